from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StreamPosesRequest(_message.Message):
    __slots__ = ("video_id", "first_frame")
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    video_id: int
    first_frame: int
    def __init__(self, video_id: _Optional[int] = ..., first_frame: _Optional[int] = ...) -> None: ...

class StreamPosesResponse(_message.Message):
    __slots__ = ("header", "frames", "missing")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    header: PoseHeader
    frames: FramePoses
    missing: MissingFrames
    def __init__(self, header: _Optional[_Union[PoseHeader, _Mapping]] = ..., frames: _Optional[_Union[FramePoses, _Mapping]] = ..., missing: _Optional[_Union[MissingFrames, _Mapping]] = ...) -> None: ...

class AnalyzeRequest(_message.Message):
    __slots__ = ("video", "chunk")
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    video: VideoSpec
    chunk: bytes
    def __init__(self, video: _Optional[_Union[VideoSpec, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class VideoSpec(_message.Message):
    __slots__ = ("name", "pipeline", "parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    pipeline: str
    parameters: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., pipeline: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class AnalyzeResponse(_message.Message):
    __slots__ = ("header", "frames", "missing")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    header: PoseHeader
    frames: FramePoses
    missing: MissingFrames
    def __init__(self, header: _Optional[_Union[PoseHeader, _Mapping]] = ..., frames: _Optional[_Union[FramePoses, _Mapping]] = ..., missing: _Optional[_Union[MissingFrames, _Mapping]] = ...) -> None: ...

class PoseHeader(_message.Message):
    __slots__ = ("video_name", "width_px", "height_px", "frame_count", "frame_rate_numerator", "frame_rate_denominator", "skeleton", "joints")
    VIDEO_NAME_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_NUMERATOR_FIELD_NUMBER: _ClassVar[int]
    FRAME_RATE_DENOMINATOR_FIELD_NUMBER: _ClassVar[int]
    SKELETON_FIELD_NUMBER: _ClassVar[int]
    JOINTS_FIELD_NUMBER: _ClassVar[int]
    video_name: str
    width_px: int
    height_px: int
    frame_count: int
    frame_rate_numerator: int
    frame_rate_denominator: int
    skeleton: str
    joints: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, video_name: _Optional[str] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., frame_count: _Optional[int] = ..., frame_rate_numerator: _Optional[int] = ..., frame_rate_denominator: _Optional[int] = ..., skeleton: _Optional[str] = ..., joints: _Optional[_Iterable[str]] = ...) -> None: ...

class FramePoses(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[Frame]
    def __init__(self, frames: _Optional[_Iterable[_Union[Frame, _Mapping]]] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("index", "pts_ns", "people")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PTS_NS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    index: int
    pts_ns: int
    people: _containers.RepeatedCompositeFieldContainer[Person]
    def __init__(self, index: _Optional[int] = ..., pts_ns: _Optional[int] = ..., people: _Optional[_Iterable[_Union[Person, _Mapping]]] = ...) -> None: ...

class Person(_message.Message):
    __slots__ = ("person_id", "box", "x_px", "y_px", "confidence")
    PERSON_ID_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    X_PX_FIELD_NUMBER: _ClassVar[int]
    Y_PX_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    person_id: int
    box: Box
    x_px: _containers.RepeatedScalarFieldContainer[float]
    y_px: _containers.RepeatedScalarFieldContainer[float]
    confidence: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, person_id: _Optional[int] = ..., box: _Optional[_Union[Box, _Mapping]] = ..., x_px: _Optional[_Iterable[float]] = ..., y_px: _Optional[_Iterable[float]] = ..., confidence: _Optional[_Iterable[float]] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("x1_px", "y1_px", "x2_px", "y2_px", "score")
    X1_PX_FIELD_NUMBER: _ClassVar[int]
    Y1_PX_FIELD_NUMBER: _ClassVar[int]
    X2_PX_FIELD_NUMBER: _ClassVar[int]
    Y2_PX_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    x1_px: float
    y1_px: float
    x2_px: float
    y2_px: float
    score: float
    def __init__(self, x1_px: _Optional[float] = ..., y1_px: _Optional[float] = ..., x2_px: _Optional[float] = ..., y2_px: _Optional[float] = ..., score: _Optional[float] = ...) -> None: ...

class MissingFrames(_message.Message):
    __slots__ = ("first_frame", "last_frame")
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    LAST_FRAME_FIELD_NUMBER: _ClassVar[int]
    first_frame: int
    last_frame: int
    def __init__(self, first_frame: _Optional[int] = ..., last_frame: _Optional[int] = ...) -> None: ...

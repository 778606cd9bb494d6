import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATUS_UNSPECIFIED: _ClassVar[JobStatus]
    JOB_STATUS_QUEUED: _ClassVar[JobStatus]
    JOB_STATUS_RUNNING: _ClassVar[JobStatus]
    JOB_STATUS_COLLECTING: _ClassVar[JobStatus]
    JOB_STATUS_COMPLETED: _ClassVar[JobStatus]
    JOB_STATUS_COMPLETED_WITH_ERRORS: _ClassVar[JobStatus]
    JOB_STATUS_FAILED: _ClassVar[JobStatus]
    JOB_STATUS_CANCELLED: _ClassVar[JobStatus]

class VideoStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VIDEO_STATUS_UNSPECIFIED: _ClassVar[VideoStatus]
    VIDEO_STATUS_QUEUED: _ClassVar[VideoStatus]
    VIDEO_STATUS_INFERRING: _ClassVar[VideoStatus]
    VIDEO_STATUS_COLLECTING: _ClassVar[VideoStatus]
    VIDEO_STATUS_COMPLETED: _ClassVar[VideoStatus]
    VIDEO_STATUS_FAILED: _ClassVar[VideoStatus]
    VIDEO_STATUS_CANCELLED: _ClassVar[VideoStatus]

class Tier(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIER_UNSPECIFIED: _ClassVar[Tier]
    TIER_STANDARD: _ClassVar[Tier]
    TIER_PRIORITY: _ClassVar[Tier]
    TIER_HIGH_PRIORITY: _ClassVar[Tier]
JOB_STATUS_UNSPECIFIED: JobStatus
JOB_STATUS_QUEUED: JobStatus
JOB_STATUS_RUNNING: JobStatus
JOB_STATUS_COLLECTING: JobStatus
JOB_STATUS_COMPLETED: JobStatus
JOB_STATUS_COMPLETED_WITH_ERRORS: JobStatus
JOB_STATUS_FAILED: JobStatus
JOB_STATUS_CANCELLED: JobStatus
VIDEO_STATUS_UNSPECIFIED: VideoStatus
VIDEO_STATUS_QUEUED: VideoStatus
VIDEO_STATUS_INFERRING: VideoStatus
VIDEO_STATUS_COLLECTING: VideoStatus
VIDEO_STATUS_COMPLETED: VideoStatus
VIDEO_STATUS_FAILED: VideoStatus
VIDEO_STATUS_CANCELLED: VideoStatus
TIER_UNSPECIFIED: Tier
TIER_STANDARD: Tier
TIER_PRIORITY: Tier
TIER_HIGH_PRIORITY: Tier

class SubmitJobRequest(_message.Message):
    __slots__ = ("job", "package_chunk")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_CHUNK_FIELD_NUMBER: _ClassVar[int]
    job: JobSpec
    package_chunk: bytes
    def __init__(self, job: _Optional[_Union[JobSpec, _Mapping]] = ..., package_chunk: _Optional[bytes] = ...) -> None: ...

class JobSpec(_message.Message):
    __slots__ = ("pipeline", "parameters", "input_key", "idempotency_key", "package_bytes", "user_id", "project_id", "pipeline_parameter_set_id")
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    INPUT_KEY_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    PACKAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_PARAMETER_SET_ID_FIELD_NUMBER: _ClassVar[int]
    pipeline: str
    parameters: _struct_pb2.Struct
    input_key: str
    idempotency_key: str
    package_bytes: int
    user_id: int
    project_id: int
    pipeline_parameter_set_id: int
    def __init__(self, pipeline: _Optional[str] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., input_key: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., package_bytes: _Optional[int] = ..., user_id: _Optional[int] = ..., project_id: _Optional[int] = ..., pipeline_parameter_set_id: _Optional[int] = ...) -> None: ...

class SubmitJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    def __init__(self, job_id: _Optional[int] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job", "videos")
    JOB_FIELD_NUMBER: _ClassVar[int]
    VIDEOS_FIELD_NUMBER: _ClassVar[int]
    job: Job
    videos: _containers.RepeatedCompositeFieldContainer[Video]
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., videos: _Optional[_Iterable[_Union[Video, _Mapping]]] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    def __init__(self, job_id: _Optional[int] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("job", "videos")
    JOB_FIELD_NUMBER: _ClassVar[int]
    VIDEOS_FIELD_NUMBER: _ClassVar[int]
    job: Job
    videos: _containers.RepeatedCompositeFieldContainer[Video]
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ..., videos: _Optional[_Iterable[_Union[Video, _Mapping]]] = ...) -> None: ...

class ListResultsRequest(_message.Message):
    __slots__ = ("job_id",)
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    job_id: int
    def __init__(self, job_id: _Optional[int] = ...) -> None: ...

class ListResultsResponse(_message.Message):
    __slots__ = ("files", "archive_url")
    FILES_FIELD_NUMBER: _ClassVar[int]
    ARCHIVE_URL_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[ResultFile]
    archive_url: str
    def __init__(self, files: _Optional[_Iterable[_Union[ResultFile, _Mapping]]] = ..., archive_url: _Optional[str] = ...) -> None: ...

class Job(_message.Message):
    __slots__ = ("id", "user_id", "project_id", "status", "pipeline", "tier", "parameters", "videos_total", "videos_done", "created_at", "started_at", "finished_at", "failure", "pipeline_parameter_set_id", "input_key")
    ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    VIDEOS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    VIDEOS_DONE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    PIPELINE_PARAMETER_SET_ID_FIELD_NUMBER: _ClassVar[int]
    INPUT_KEY_FIELD_NUMBER: _ClassVar[int]
    id: int
    user_id: int
    project_id: int
    status: JobStatus
    pipeline: str
    tier: Tier
    parameters: _struct_pb2.Struct
    videos_total: int
    videos_done: int
    created_at: _timestamp_pb2.Timestamp
    started_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    failure: Failure
    pipeline_parameter_set_id: int
    input_key: str
    def __init__(self, id: _Optional[int] = ..., user_id: _Optional[int] = ..., project_id: _Optional[int] = ..., status: _Optional[_Union[JobStatus, str]] = ..., pipeline: _Optional[str] = ..., tier: _Optional[_Union[Tier, str]] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., videos_total: _Optional[int] = ..., videos_done: _Optional[int] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., pipeline_parameter_set_id: _Optional[int] = ..., input_key: _Optional[str] = ...) -> None: ...

class Video(_message.Message):
    __slots__ = ("id", "job_id", "name", "status", "progress", "frames_total", "frames_done", "frames_missing", "failure", "failed_ranges")
    ID_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FRAMES_TOTAL_FIELD_NUMBER: _ClassVar[int]
    FRAMES_DONE_FIELD_NUMBER: _ClassVar[int]
    FRAMES_MISSING_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    FAILED_RANGES_FIELD_NUMBER: _ClassVar[int]
    id: int
    job_id: int
    name: str
    status: VideoStatus
    progress: float
    frames_total: int
    frames_done: int
    frames_missing: int
    failure: Failure
    failed_ranges: _containers.RepeatedCompositeFieldContainer[FailedRange]
    def __init__(self, id: _Optional[int] = ..., job_id: _Optional[int] = ..., name: _Optional[str] = ..., status: _Optional[_Union[VideoStatus, str]] = ..., progress: _Optional[float] = ..., frames_total: _Optional[int] = ..., frames_done: _Optional[int] = ..., frames_missing: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., failed_ranges: _Optional[_Iterable[_Union[FailedRange, _Mapping]]] = ...) -> None: ...

class FailedRange(_message.Message):
    __slots__ = ("first_frame", "last_frame", "failure", "attempts")
    FIRST_FRAME_FIELD_NUMBER: _ClassVar[int]
    LAST_FRAME_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    first_frame: int
    last_frame: int
    failure: Failure
    attempts: int
    def __init__(self, first_frame: _Optional[int] = ..., last_frame: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., attempts: _Optional[int] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class ResultFile(_message.Message):
    __slots__ = ("path", "size_bytes", "url", "video_id", "video_name")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    VIDEO_ID_FIELD_NUMBER: _ClassVar[int]
    VIDEO_NAME_FIELD_NUMBER: _ClassVar[int]
    path: str
    size_bytes: int
    url: str
    video_id: int
    video_name: str
    def __init__(self, path: _Optional[str] = ..., size_bytes: _Optional[int] = ..., url: _Optional[str] = ..., video_id: _Optional[int] = ..., video_name: _Optional[str] = ...) -> None: ...

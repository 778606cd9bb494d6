"""NVIDIA's decoder library (libnvcuvid, part of the driver) by ctypes: its structures and calls.

Names and layouts are those of cuviddec.h and nvcuvid.h of the Video Codec SDK 11 and newer (x86-64 Linux).
"""

import ctypes
from ctypes import (
    POINTER,
    Structure,
    c_int,
    c_longlong,
    c_short,
    c_ubyte,
    c_uint,
    c_ulong,
    c_ulonglong,
    c_void_p,
)
from typing import Protocol

NVDEC_CODECS = {"h264": 4, "hevc": 8, "vp9": 10, "av1": 11}
"""FFmpeg's name -> `cudaVideoCodec`, of the codecs that we decode with it."""
CHROMA_420 = 1
NV12, P016 = 0, 1
WEAVE = 0
PACKET_END_OF_STREAM, PACKET_TIMESTAMP, PACKET_END_OF_PICTURE = 0x01, 0x02, 0x08
STATUS_IN_PROGRESS = 1
STATUS_DAMAGED = (8, 9)
"""`cuvidDecodeStatus_Error` and `_Error_Concealed`."""


class NvdecError(Exception):
    """NVDEC cannot do this, or not exactly; the CPU's decoders can."""


class Rect(Structure):
    """Pixels; right and bottom are exclusive."""

    _fields_ = (("left", c_int), ("top", c_int), ("right", c_int), ("bottom", c_int))


class ShortRect(Structure):
    """The same, for decoders."""

    _fields_ = (("left", c_short), ("top", c_short), ("right", c_short), ("bottom", c_short))


class DecodeCaps(Structure):
    """`CUVIDDECODECAPS`."""

    _fields_ = (
        ("codec", c_int),
        ("chroma_format", c_int),
        ("bit_depth_minus_8", c_uint),
        ("reserved1", c_uint * 3),
        ("is_supported", c_ubyte),
        ("engines", c_ubyte),
        ("output_formats", ctypes.c_ushort),
        ("max_width_px", c_uint),
        ("max_height_px", c_uint),
        ("max_macroblocks", c_uint),
        ("min_width_px", ctypes.c_ushort),
        ("min_height_px", ctypes.c_ushort),
        ("reserved3", c_uint * 11),
    )


class VideoFormat(Structure):
    """`CUVIDEOFORMAT`."""

    _fields_ = (
        ("codec", c_int),
        ("frame_rate_numerator", c_uint),
        ("frame_rate_denominator", c_uint),
        ("is_progressive", c_ubyte),
        ("luma_bit_depth_minus_8", c_ubyte),
        ("chroma_bit_depth_minus_8", c_ubyte),
        ("min_surfaces", c_ubyte),
        ("coded_width_px", c_uint),
        ("coded_height_px", c_uint),
        ("display_area", Rect),
        ("chroma_format", c_int),
        ("bitrate", c_uint),
        ("aspect_ratio", c_int * 2),
        ("signal_description", c_ubyte * 4),
        ("sequence_header_bytes", c_uint),
    )


class DecoderCreateInfo(Structure):
    """`CUVIDDECODECREATEINFO`."""

    _fields_ = (
        ("width_px", c_ulong),
        ("height_px", c_ulong),
        ("surfaces", c_ulong),
        ("codec", c_int),
        ("chroma_format", c_int),
        ("creation_flags", c_ulong),
        ("bit_depth_minus_8", c_ulong),
        ("intra_only", c_ulong),
        ("max_width_px", c_ulong),
        ("max_height_px", c_ulong),
        ("reserved1", c_ulong),
        ("display_area", ShortRect),
        ("output_format", c_int),
        ("deinterlace_mode", c_int),
        ("target_width_px", c_ulong),
        ("target_height_px", c_ulong),
        ("output_surfaces", c_ulong),
        ("lock", c_void_p),
        ("target_rect", ShortRect),
        ("reserved2", c_ulong * 5),
    )


class ReconfigureInfo(Structure):
    """`CUVIDRECONFIGUREDECODERINFO`."""

    _fields_ = (
        ("width_px", c_uint),
        ("height_px", c_uint),
        ("target_width_px", c_uint),
        ("target_height_px", c_uint),
        ("surfaces", c_uint),
        ("reserved1", c_uint * 12),
        ("display_area", ShortRect),
        ("target_rect", ShortRect),
        ("reserved2", c_uint * 11),
    )


class PictureParameters(Structure):
    """The head of `CUVIDPICPARAMS`; only the parser makes such objects."""

    _fields_ = (
        ("width_in_blocks", c_int),
        ("height_in_blocks", c_int),
        ("picture_index", c_int),
    )


class DisplayInfo(Structure):
    """`CUVIDPARSERDISPINFO`."""

    _fields_ = (
        ("picture_index", c_int),
        ("is_progressive", c_int),
        ("top_field_first", c_int),
        ("repeat_first_field", c_int),
        ("timestamp", c_longlong),
    )


class DecodeStatus(Structure):
    """`CUVIDGETDECODESTATUS`."""

    _fields_ = (("status", c_int), ("reserved", c_uint * 31), ("reserved_pointers", c_void_p * 8))


class MapParameters(Structure):
    """`CUVIDPROCPARAMS`."""

    _fields_ = (
        ("is_progressive", c_int),
        ("second_field", c_int),
        ("top_field_first", c_int),
        ("unpaired_field", c_int),
        ("reserved_flags", c_uint),
        ("reserved_zero", c_uint),
        ("raw_input", c_ulonglong),
        ("raw_input_pitch", c_uint),
        ("raw_input_format", c_uint),
        ("raw_output", c_ulonglong),
        ("raw_output_pitch", c_uint),
        ("reserved1", c_uint),
        ("output_stream", c_void_p),
        ("reserved", c_uint * 46),
        ("reserved2", c_void_p * 2),
    )


class SourcePacket(Structure):
    """`CUVIDSOURCEDATAPACKET`."""

    _fields_ = (
        ("flags", c_ulong),
        ("payload_bytes", c_ulong),
        ("payload", c_void_p),
        ("timestamp", c_longlong),
    )


SequenceCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(VideoFormat))
DecodeCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(PictureParameters))
DisplayCallback = ctypes.CFUNCTYPE(c_int, c_void_p, POINTER(DisplayInfo))


class ParserParameters(Structure):
    """`CUVIDPARSERPARAMS`."""

    _fields_ = (
        ("codec", c_int),
        ("max_surfaces", c_uint),
        ("clock_rate_hz", c_uint),
        ("error_threshold", c_uint),
        ("max_display_delay", c_uint),
        ("reserved1", c_uint * 5),
        ("user_data", c_void_p),
        ("on_sequence", SequenceCallback),
        ("on_decode", DecodeCallback),
        ("on_display", DisplayCallback),
        ("reserved2", c_void_p * 7),
        ("extra_format", c_void_p),
    )


class CuvidCalls(Protocol):
    """The calls of libnvcuvid that we use; each gives a `CUresult`."""

    def cuvidGetDecoderCaps(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidCreateVideoParser(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidParseVideoData(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidDestroyVideoParser(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidCreateDecoder(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidReconfigureDecoder(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidDestroyDecoder(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidDecodePicture(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidGetDecodeStatus(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidMapVideoFrame64(self, *arguments: object) -> int: ...  # noqa: N802
    def cuvidUnmapVideoFrame64(self, *arguments: object) -> int: ...  # noqa: N802


def load() -> CuvidCalls:
    """The driver's library. Raises NvdecError where it is missing or older than reconfiguration."""
    try:
        library = ctypes.CDLL("libnvcuvid.so.1")
        for name in (each for each in vars(CuvidCalls) if each.startswith("cuvid")):
            getattr(library, name).restype = c_int
    except (OSError, AttributeError) as error:
        raise NvdecError(str(error)) from error
    return library


def check(status: int, call: str) -> None:
    """Raise NvdecError for a call that failed."""
    if status != 0:
        raise NvdecError(f"{call} gave CUDA error {status}")

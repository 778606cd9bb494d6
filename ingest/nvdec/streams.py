"""What a video stream needs of NVDEC, judged before it decodes, and its packets as NVDEC takes them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from av.bitstream import BitStreamFilterContext
from av.video.reformatter import ColorRange

from ingest.containers import Container
from ingest.nvdec.conversion import Conversion, conversion, named_matrix
from ingest.nvdec.cuvid import CHROMA_420, NVDEC_CODECS, NvdecError
from ingest.probe import times_are_in_decoding_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.packet import Packet
    from av.video.stream import VideoStream

    from core.video import VideoInfo
    from ingest.nvdec.cuvid import DecodeCaps, VideoFormat

_BIT_DEPTHS = {"yuv420p": 8, "yuvj420p": 8, "yuv420p10le": 10}
_ANNEX_B_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_START_CODE = b"\0\0\0\1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamNeed:
    """A video stream that NVDEC may be able to decode."""

    codec: int
    """`cudaVideoCodec`"""
    bit_depth: int
    coded_px: tuple[int, int]
    """Width and height before rotation, as they are shown."""
    conversion: Conversion

    def check(self, found: VideoFormat) -> None:
        """Raise NvdecError if the stream's header says something else."""
        area = found.display_area
        kind = (
            (area.right - area.left, area.bottom - area.top),
            found.luma_bit_depth_minus_8 + 8,
            found.chroma_format,
        )
        expected = (self.coded_px, self.bit_depth, CHROMA_420)
        if kind != expected:
            raise NvdecError(f"expected pictures of (size, bits, chroma) {expected}, got {kind}")


def need_of(stream: VideoStream, info: VideoInfo) -> StreamNeed:
    """What a stream needs. Raises NvdecError for what is not for NVDEC whatever the chip."""
    if info.codec not in NVDEC_CODECS:
        raise NvdecError(f"its codec is {info.codec}")
    if times_are_in_decoding_order(info.container, info.codec):
        raise NvdecError("its container has no presentation times")
    context = stream.codec_context
    pixel_format = context.pix_fmt or "unknown"
    if pixel_format not in _BIT_DEPTHS:
        raise NvdecError(f"its pixel format is {pixel_format}")
    bit_depth = _BIT_DEPTHS[pixel_format]
    turned = info.rotation_deg in {90, 270}
    coded_px = (info.height_px, info.width_px) if turned else (info.width_px, info.height_px)
    is_full_range = pixel_format == "yuvj420p" or context.color_range == ColorRange.JPEG
    how = conversion(
        named_matrix(int(context.colorspace), coded_px[1]), bit_depth, is_full_range=is_full_range
    )
    if how is None:
        raise NvdecError(f"its colour matrix is {context.colorspace}")
    return StreamNeed(codec=NVDEC_CODECS[info.codec], bit_depth=bit_depth, coded_px=coded_px, conversion=how)


def refusal(need: StreamNeed, caps: DecodeCaps) -> str | None:
    """Why the chip cannot decode this; None if it can."""
    if not caps.is_supported:
        return f"this GPU does not decode its codec at {need.bit_depth} bits"
    width, height = need.coded_px
    if not (
        caps.min_width_px <= width <= caps.max_width_px and caps.min_height_px <= height <= caps.max_height_px
    ):
        return (
            f"this GPU decodes {caps.min_width_px}x{caps.min_height_px} to "
            f"{caps.max_width_px}x{caps.max_height_px}, it has {width}x{height}"
        )
    if -(-width // 16) * -(-height // 16) > caps.max_macroblocks:
        return f"this GPU decodes at most {caps.max_macroblocks} macroblocks, it has {width}x{height}"
    return None


def nvdec_packets(
    stream: VideoStream, codec: str, packets: Iterator[Packet[VideoStream]]
) -> Iterator[Packet[VideoStream]]:
    """The packets as elementary stream: H.264 and HEVC with start codes. Raises FFmpeg's errors."""
    name = _ANNEX_B_FILTERS.get(codec)
    if name is None:
        yield from packets
        return
    annex_b = BitStreamFilterContext(name, stream)
    for packet in chain(packets, [None]):
        yield from annex_b.filter(packet)


def whole_packets(container: str, packets: Iterator[Packet[VideoStream]]) -> Iterator[Packet[VideoStream]]:
    """The packets that cannot be cut off. Raises NvdecError in place of a transport stream's last one.

    Nothing there says how long it should be. NVDEC may show what is left of its picture, the CPU does not.
    """
    if container != Container.MPEGTS:
        yield from packets
        return
    before: Packet[VideoStream] | None = None
    for packet in packets:
        if before is not None:
            yield before
        before = packet
    raise NvdecError("the last picture of a transport stream may be cut off")


def parameter_sets(codec: str, extra: bytes) -> bytes:
    """H.264's or HEVC's parameter sets out of a stream's extra data, with start codes; empty for others.

    Packets repeat them only before IDR pictures, but decoding may start at another keyframe.
    ISO/IEC 14496-15, 5.3.3.1 (avcC) and 8.3.3.1 (hvcC).
    """
    if codec not in _ANNEX_B_FILTERS or not extra:
        return b""
    if extra.startswith((b"\0\0\1", _START_CODE)):
        return extra
    units = _avcc_units(extra) if codec == "h264" else _hvcc_units(extra)
    try:
        return b"".join(_START_CODE + unit for unit in units)
    except IndexError as error:
        raise NvdecError("its extra data are cut off") from error


def _avcc_units(extra: bytes) -> Iterator[bytes]:
    at = 5
    for mask in (0x1F, 0xFF):
        count, at = extra[at] & mask, at + 1
        for _ in range(count):
            unit, at = _unit(extra, at)
            yield unit


def _hvcc_units(extra: bytes) -> Iterator[bytes]:
    count, at = extra[22], 23
    for _ in range(count):
        units, at = extra[at + 1] << 8 | extra[at + 2], at + 3
        for _ in range(units):
            unit, at = _unit(extra, at)
            yield unit


def _unit(extra: bytes, at: int) -> tuple[bytes, int]:
    """A unit with its length in two bytes before it, and where the next one starts."""
    stop = at + 2 + (extra[at] << 8 | extra[at + 1])
    if stop > len(extra):
        raise IndexError(stop)
    return extra[at + 2 : stop], stop

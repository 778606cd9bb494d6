"""What a video file holds, from one pass over its packets; only the first picture is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from core.errors import (
    FrameTooLargeError,
    NoFramesError,
    UnsupportedCodecError,
    VideoTooLongError,
)
from core.video import VideoInfo
from ingest.containers import CODECS, Container, container_of, open_input
from ingest.errors import media_errors
from ingest.streams import DamagedPacketError, data_packets, decode_packet, time_base_of, video_stream
from ingest.times import all_ticks_to_ns, fill_lost_frames

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

_PACKETS_TO_FIRST_PICTURE = 300
_RATE_TOLERANCE = 0.01
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLimits:
    """What one video may be at most."""

    max_frame_pixels: int = 8192 * 4320
    max_frames: int = 2_000_000
    max_duration_s: int = 6 * 3600


@dataclass(slots=True)
class _Scan:
    """What one pass over the packets found, in decoding order."""

    pts: list[int] = field(default_factory=list)
    keyframes: list[int] = field(default_factory=list)
    """Times of the packets where decoding can start."""
    first_picture: VideoFrame | None = None
    packets: int = 0
    first_dts: int | None = None


def probe_video(path: Path, limits: MediaLimits) -> VideoInfo:
    """Describe the first video stream of a file.

    Frames that share a presentation time count once. Frames that the file evidently lost (its index or
    its regular times tell) are listed too, and will turn out missing. Raises MediaError leaves.
    """
    container = container_of(path)
    with media_errors(path.name), open_input(path, container) as source:
        stream = video_stream(source, path.name)
        _check_stream(stream, limits, path.name)
        scan = _scan(source, stream, limits, path.name)
        pts = _presentation_times(stream, container, scan)
        if len(pts) == 0:
            raise NoFramesError(f"{path.name}: expected at least one frame, got a video stream without any")
        return _describe(stream, container, scan, pts)


def times_are_in_decoding_order(container: str, codec: str) -> bool:
    """Whether packet times say nothing of the presentation order: AVI stores none, and these codecs reorder.

    Frames are then counted as they come out, from the start of the file.
    """
    return container == Container.AVI and codec in {"h264", "hevc"}


def clockwise_rotation_deg(anticlockwise_deg: float) -> int:
    """A display matrix's turn as 0, 90, 180 or 270 degrees clockwise, the nearest."""
    return round(-anticlockwise_deg / 90) * 90 % 360


def _check_stream(stream: VideoStream, limits: MediaLimits, name: str) -> None:
    codec = stream.codec_context.name if stream.codec_context is not None else "an unknown codec"
    if _codec_name(stream) not in CODECS:
        raise UnsupportedCodecError(f"{name}: expected one of {', '.join(sorted(CODECS))}, got {codec}")
    _check_size(stream.width, stream.height, limits, name)
    stream.codec_context.options = {"max_pixels": str(limits.max_frame_pixels)}


def _codec_name(stream: VideoStream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context is not None else ""


def _check_size(width_px: int, height_px: int, limits: MediaLimits, name: str) -> None:
    if width_px * height_px > limits.max_frame_pixels:
        raise FrameTooLargeError(
            f"{name}: expected frames of at most {limits.max_frame_pixels} pixels, got {width_px}x{height_px}"
        )


def _scan(source: InputContainer, stream: VideoStream, limits: MediaLimits, name: str) -> _Scan:
    scan = _Scan()
    for packet in data_packets(source, stream):
        scan.packets += 1
        if scan.packets > limits.max_frames:
            raise VideoTooLongError(f"{name}: expected at most {limits.max_frames} frames, got more")
        _note_times(scan, packet)
        if scan.first_picture is None and scan.packets <= _PACKETS_TO_FIRST_PICTURE:
            scan.first_picture = _first_picture(stream, packet)
    if scan.first_picture is None:
        scan.first_picture = _first_picture(stream, None)
    _check_duration(scan, stream, limits, name)
    return scan


def _first_picture(stream: VideoStream, packet: Packet[VideoStream] | None) -> VideoFrame | None:
    try:
        return next(iter(decode_packet(stream, packet)), None)
    except DamagedPacketError:
        return None


def _note_times(scan: _Scan, packet: Packet[VideoStream]) -> None:
    ticks = packet.pts if packet.pts is not None else packet.dts
    if packet.is_discard:
        return
    if ticks is not None:
        if scan.first_dts is None:
            scan.first_dts = packet.dts
        scan.pts.append(ticks)
        if packet.is_keyframe:
            scan.keyframes.append(ticks)


def _check_duration(scan: _Scan, stream: VideoStream, limits: MediaLimits, name: str) -> None:
    if not scan.pts:
        return
    duration_s = float((max(scan.pts) - min(scan.pts)) * time_base_of(stream))
    if duration_s > limits.max_duration_s:
        raise VideoTooLongError(
            f"{name}: expected at most {limits.max_duration_s} s of video, got {duration_s:.0f} s"
        )


def _presentation_times(stream: VideoStream, container: Container, scan: _Scan) -> NDArray[np.int64]:
    """Increasing times of the frames found and of those that are known to be lost."""
    if container is Container.MOV:
        return np.unique(np.array(scan.pts + _cut_off_pts(stream, scan), np.int64))
    return fill_lost_frames(np.unique(np.array(scan.pts, np.int64)), time_base_of(stream))


def _cut_off_pts(stream: VideoStream, scan: _Scan) -> list[int]:
    """Times of the frames that a mov/mp4 index promises beyond the end of a cut off file.

    The index has decoding times; presentation lags behind by what the first frames show.
    """
    if not scan.pts or scan.first_dts is None:
        return []
    entries = list(stream.index_entries)
    absent = len(entries) - scan.packets
    lag = min(scan.pts) - scan.first_dts
    promised = {entry.timestamp + lag for entry in entries} - set(scan.pts)
    return sorted(promised)[-absent:] if absent > 0 else []


def _describe(stream: VideoStream, container: Container, scan: _Scan, pts: NDArray[np.int64]) -> VideoInfo:
    time_base = time_base_of(stream)
    codec = _codec_name(stream)
    picture = scan.first_picture
    width_px, height_px = (picture.width, picture.height) if picture else (stream.width, stream.height)
    rotation_deg = clockwise_rotation_deg(picture.rotation) if picture else 0
    if rotation_deg in {90, 270}:
        width_px, height_px = height_px, width_px
    pts_ns = all_ticks_to_ns(pts, time_base)
    return VideoInfo(
        width_px=width_px,
        height_px=height_px,
        rotation_deg=rotation_deg,
        frame_rate=_frame_rate(stream, pts_ns),
        pts_ns=pts_ns,
        keyframes=_keyframe_indices(scan, pts, times_are_in_decoding_order(container, codec)),
        codec=codec,
        container=container.value,
    )


def _keyframe_indices(scan: _Scan, pts: NDArray[np.int64], only_first: bool) -> NDArray[np.int32]:
    """Places of the keyframes; the first frame is always one: what comes before it is hidden or absent."""
    if only_first:
        return np.zeros(1, np.int32)
    return np.union1d([0], np.searchsorted(pts, np.array(scan.keyframes, np.int64))).astype(np.int32)


def _frame_rate(stream: VideoStream, pts_ns: NDArray[np.int64]) -> Fraction:
    """The container's average rate if the frames' times bear it out, else the times' own."""
    claimed = stream.average_rate or stream.guessed_rate
    if len(pts_ns) < 2:
        return claimed or Fraction(25)
    measured = Fraction((len(pts_ns) - 1) * _NS_PER_S, int(pts_ns[-1] - pts_ns[0]))
    if claimed and abs(claimed / measured - 1) < _RATE_TOLERANCE:
        return claimed
    return measured.limit_denominator(1001)

"""Video files to displayed RGB frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av.error
import numpy as np
from numpy.typing import NDArray

from core.errors import CorruptVideoError, UnsupportedCodecError
from core.video import Frame, FrameSpan, VideoInfo
from ingest.colour import RgbConverter
from ingest.containers import Container, open_input
from ingest.errors import media_errors
from ingest.probe import times_are_in_decoding_order
from ingest.spans import index_at, packets_from_keyframe
from ingest.streams import (
    DamagedPacketError,
    pictures_beside_damage,
    sound_pictures,
    time_base_of,
    video_stream,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from fractions import Fraction
    from pathlib import Path

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Allocate = Callable[[int], NDArray[np.uint8]]
"""Given a frame's index, the contiguous uint8 [height, width, 3] array to write its RGB into."""

_MAX_GROWTH = 4
"""Pictures of more than this many times the described size count as damage: they could eat the memory."""
_CODED_MARGIN_PX = 64
_MAX_PICTURES_AHEAD = 32
"""What a decoder holds back at most: FFmpeg takes up to 16 threads, and H.264 reorders up to 16 pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderSettings:
    """How to decode."""

    threads: int = 0
    """Decoding threads; 0 takes as many as there are cores."""


def decode_span(
    path: Path,
    info: VideoInfo,
    span: FrameSpan,
    allocate: Allocate | None = None,
    settings: DecoderSettings | None = None,
    after: int | None = None,
) -> Generator[Frame, None, None]:
    """Decode the frames of a span, in order; damaged frames and those built on them are left out.

    `after` is the last of its frames that the caller has already; those that follow are decoded.
    Decoding starts at the last keyframe at or before the span. It runs in parallel until it meets damage or
    an early end of the file, then again from that keyframe on one thread, so that what is left out does not
    depend on the machine.
    Raises CorruptVideoError if none of the span's frames can be decoded, and the other MediaError leaves.
    """
    decoding = _SpanDecoding(path, info, span, allocate or _new_frames(info), after)
    threads = (settings or DecoderSettings()).threads
    with media_errors(path.name):
        try:
            yield from decoding.frames(threads)
        except (DamagedPacketError, av.error.PatchWelcomeError):
            yield from decoding.frames(1)
    if decoding.last_index is None:
        raise CorruptVideoError(
            f"{path.name}: expected frames {span.start} to {span.stop - 1}, got none that can be decoded"
        )


def _new_frames(info: VideoInfo) -> Allocate:
    return lambda index: np.empty((info.height_px, info.width_px, 3), np.uint8)


class _SpanDecoding:
    """One span's decoding, which can be taken up again after the last frame it gave."""

    def __init__(
        self, path: Path, info: VideoInfo, span: FrameSpan, allocate: Allocate, last_index: int | None
    ) -> None:
        self.last_index = last_index
        self._path = path
        self._info = info
        self._span = span
        self._allocate = allocate

    def frames(self, threads: int) -> Iterator[Frame]:
        """The span's frames after `last_index`. On several threads it raises DamagedPacketError where the
        pictures end too early: after damage FFmpeg may swallow the last ones."""
        info = self._info
        converter = RgbConverter(info.width_px, info.height_px, info.rotation_deg, threads)
        with open_input(self._path, Container(info.container)) as source:
            stream = video_stream(source, self._path.name)
            is_near_end = info.frame_count - self._span.stop < _MAX_PICTURES_AHEAD
            _configure(stream, info, threads, is_near_end)
            for index, picture in self._numbered(source, stream):
                if self._is_next(index):
                    rgb = self._allocate(index)
                    converter.convert_into(picture, rgb)
                    self.last_index = index
                    yield Frame(index=index, pts_ns=int(info.pts_ns[index]), image=rgb)
                if index >= self._span.stop - 1:
                    return
        if threads != 1:
            raise DamagedPacketError

    def _is_next(self, index: int) -> bool:
        after = self._span.start if self.last_index is None else self.last_index + 1
        return after <= index < self._span.stop

    def _numbered(self, source: InputContainer, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
        """Intact pictures with their place in the video."""
        time_base = time_base_of(stream)
        packets = packets_from_keyframe(source, stream, self._info, self._span.start)
        decode = pictures_beside_damage if stream.thread_count == 1 else sound_pictures
        pictures = decode(stream, packets)
        if times_are_in_decoding_order(self._info.container, self._info.codec):
            yield from _counted(pictures, time_base, self._info)
            return
        for picture in pictures:
            index = _index_of(picture, time_base, self._info)
            if index is not None:
                yield index, picture


def _configure(stream: VideoStream, info: VideoInfo, threads: int, is_near_end: bool) -> None:
    max_pixels = _MAX_GROWTH * (info.width_px + _CODED_MARGIN_PX) * (info.height_px + _CODED_MARGIN_PX)
    if stream.codec_context is None:
        raise UnsupportedCodecError(f"expected a {info.codec} stream, as probed, got one of an unknown codec")
    options = {"max_pixels": str(max_pixels)}
    if threads != 1 and is_near_end:
        # The last pictures come out while other threads decode them, and may not tell of damage yet.
        # Their packets do, with this option; elsewhere it would stop at what starting at a keyframe lacks.
        options["err_detect"] = "explode"
    stream.codec_context.options = options
    stream.thread_count = threads
    stream.thread_type = "SLICE" if threads == 1 else "AUTO"


def _counted(
    pictures: Iterator[VideoFrame], time_base: Fraction, info: VideoInfo
) -> Iterator[tuple[int, VideoFrame]]:
    """Pictures counted as they come out; those lost to damage are made up for at the next keyframe."""
    index = -1
    for picture in pictures:
        stored = _index_of(picture, time_base, info) if picture.key_frame else None
        index = max(index + 1, stored or 0)
        yield index, picture


def _index_of(picture: VideoFrame, time_base: Fraction, info: VideoInfo) -> int | None:
    ticks = picture.pts if picture.pts is not None else picture.dts
    return None if ticks is None else index_at(ticks, time_base, info)

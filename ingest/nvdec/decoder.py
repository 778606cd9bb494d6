"""Frames by NVDEC, and by the CPU where NVDEC cannot give exactly the same ones."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import av.error

from ingest.containers import Container, open_input
from ingest.nvdec.cuvid import NvdecError
from ingest.nvdec.device import Gpu
from ingest.nvdec.pool import DecoderPool
from ingest.nvdec.session import NvdecSession, ShownPicture
from ingest.nvdec.streams import need_of, nvdec_packets, parameter_sets, refusal, whole_packets
from ingest.places import CpuDecoder, DevicePlace, tell_nobody
from ingest.spans import index_at, packets_from_keyframe
from ingest.streams import time_base_of, video_stream

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from core.video import FrameSpan, VideoInfo
    from ingest.nvdec.device import Stream
    from ingest.nvdec.streams import StreamNeed
    from ingest.places import TakePlace, TellReason

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Run:
    """What to decode."""

    path: Path
    info: VideoInfo
    span: FrameSpan


class NvdecDecoder:
    """Decodes into places on a GPU. What NVDEC cannot do, or not exactly, the CPU does; the log and the
    caller are told why.

    The frames, their order and their times are the CPU decoder's.
    """

    def __init__(self, gpu: Gpu, pool: DecoderPool) -> None:
        self._gpu = gpu
        self._pool = pool
        self._on_cpu = CpuDecoder(gpu.upload)
        self._streams: list[Stream] = []
        self._lock = Lock()

    def decode_into(
        self, path: Path, info: VideoInfo, span: FrameSpan, take: TakePlace, tell: TellReason = tell_nobody
    ) -> None:
        """See `FrameDecoder`; all places are DevicePlaces of this GPU."""
        self._gpu.use()
        stream = self._take_stream()
        decoding = _SpanDecoding(self._pool, stream, _Run(path, info, span), take)
        try:
            decoding.run()
        except (NvdecError, av.error.FFmpegError) as error:
            logger.info(
                "%s: frames from %d on are decoded on the CPU: %s",
                path.name,
                decoding.next_index,
                error,
                extra={"action": "decode"},
            )
            tell(str(error))
            self._on_cpu.decode_after(decoding.last_index, path, info, span, take)
        finally:
            with self._lock:
                self._streams.append(stream)

    def close(self) -> None:
        """Destroy the decoders; none may be at work."""
        self._gpu.use()
        self._pool.close()

    def _take_stream(self) -> Stream:
        with self._lock:
            if self._streams:
                return self._streams.pop()
        return self._gpu.stream()


class _SpanDecoding:
    """One span on NVDEC. Raises NvdecError as soon as its frames might differ from the CPU decoder's."""

    def __init__(self, pool: DecoderPool, stream: Stream, run: _Run, take: TakePlace) -> None:
        self.last_index: int | None = None
        self._pool = pool
        self._stream = stream
        self._path, self._info, self._span = run.path, run.info, run.span
        self._take = take
        self._hidden: set[int] = set()
        """Times of packets that are decoded but not shown."""
        self._first_pts: int | None = None

    @property
    def next_index(self) -> int:
        """The frame that must come next."""
        return self._span.start if self.last_index is None else self.last_index + 1

    def run(self) -> None:
        """Decode the whole span."""
        with open_input(self._path, Container(self._info.container)) as source:
            stream = video_stream(source, self._path.name)
            need = need_of(stream, self._info)
            if reason := refusal(need, self._pool.capabilities(need.codec, need.bit_depth)):
                raise NvdecError(reason)
            self._decode(source, stream, need)
        if self.next_index < self._span.stop:
            raise NvdecError(f"frame {self.next_index} is missing at its end")

    def _decode(self, source: InputContainer, stream: VideoStream, need: StreamNeed) -> None:
        time_base = time_base_of(stream)
        session = NvdecSession(
            self._pool, need, self._stream, lambda shown: self._show(shown, need, time_base)
        )
        try:
            extra = stream.codec_context.extradata or b""
            if sets := parameter_sets(self._info.codec, extra):
                session.feed_header(sets)
            packets = packets_from_keyframe(source, stream, self._info, self._span.start)
            elementary = nvdec_packets(stream, self._info.codec, packets)
            for packet in whole_packets(self._info.container, elementary):
                pts = self._pts_of(packet)
                if not self._leads(pts, time_base):
                    session.feed(packet.buffer_ptr, packet.buffer_size, pts)
                if self.next_index >= self._span.stop:
                    return
            session.flush()
        finally:
            self._stream.wait_for_conversions()
            session.close()

    def _pts_of(self, packet: Packet[VideoStream]) -> int:
        if packet.pts is None or packet.is_corrupt:
            raise NvdecError("a packet has no presentation time or is damaged")
        if self._first_pts is None:
            self._first_pts = packet.pts
            if not packet.is_keyframe:
                raise NvdecError("it does not start with a keyframe")
        if packet.is_discard:
            self._hidden.add(packet.pts)
        return packet.pts

    def _leads(self, pts: int, time_base: Fraction) -> bool:
        """Whether a picture is shown before the keyframe that decoding began with: it lacks references."""
        if self._first_pts is None or pts >= self._first_pts:
            return False
        index = None if pts in self._hidden else index_at(pts, time_base, self._info)
        if index is not None and index >= self._span.start:
            raise NvdecError(f"frame {index} is shown before the first keyframe")
        return True

    def _show(self, shown: ShownPicture, need: StreamNeed, time_base: Fraction) -> None:
        index = None if shown.pts in self._hidden else index_at(shown.pts, time_base, self._info)
        if index is None or index < self.next_index or self.next_index >= self._span.stop:
            return
        if index > self.next_index:
            raise NvdecError(f"frame {self.next_index} is missing")
        place = self._take(index, self._stream.wait_for_conversions)
        if not isinstance(place, DevicePlace):
            raise TypeError("NvdecDecoder: expected places on the GPU, got one in this process")
        self._stream.convert(shown.picture, need.conversion, self._info.rotation_deg, place)
        self.last_index = index

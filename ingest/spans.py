"""From a frame's index to its packets, and from a picture's time to its index."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from ingest.streams import data_packets, time_base_of
from ingest.times import ns_to_ticks, ticks_to_ns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from core.video import VideoInfo

_SEEK_STEPS_BACK_NS = (0, 500_000_000, 2_000_000_000, 8_000_000_000)


def index_at(ticks: int, time_base: Fraction, info: VideoInfo) -> int | None:
    """The frame shown from exactly this time on; None if the video has none."""
    pts_ns = ticks_to_ns(ticks, time_base)
    index = int(np.searchsorted(info.pts_ns, pts_ns))
    return index if index < info.frame_count and info.pts_ns[index] == pts_ns else None


def packets_from_keyframe(
    source: InputContainer, stream: VideoStream, info: VideoInfo, index: int
) -> Iterator[Packet[VideoStream]]:
    """The stream's packets from the last keyframe at or before frame `index`.

    Demuxers may land behind the time they were asked for (mpegts by its decoding times, mov by its index),
    so the landing is checked and repeated further back, at last from the start of the file.
    """
    keyframe = info.keyframes[np.searchsorted(info.keyframes, index, side="right") - 1]
    time_base = time_base_of(stream)
    if keyframe > 0:
        target_ns = int(info.pts_ns[keyframe])
        for step_ns in _SEEK_STEPS_BACK_NS:
            source.seek(ns_to_ticks(target_ns - step_ns, time_base), stream=stream)
            packets = data_packets(source, stream)
            first = next((packet for packet in packets if packet.is_keyframe), None)
            if first is not None and first.pts is not None and ticks_to_ns(first.pts, time_base) <= target_ns:
                return chain([first], packets)
        source.seek(0, stream=stream, any_frame=True)
    return data_packets(source, stream)

"""How a run's frames become requests."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from core.video import FrameSpan, VideoInfo
from ingest.places import TakePlace, TellReason, tell_nobody
from orchestrator.frame_memory import OwnMemory
from orchestrator.frame_requests import RequestFiller, RequestPort, VideoRun
from orchestrator.frame_ring import FrameRing, RingSettings, Slot
from orchestrator.triton import TritonClient

INFO = VideoInfo(
    width_px=4,
    height_px=2,
    rotation_deg=0,
    frame_rate=Fraction(25),
    pts_ns=np.arange(20, dtype=np.int64) * 40_000_000,
    keyframes=np.array([0], dtype=np.int32),
    codec="h264",
    container="mp4",
)
SETTINGS = RingSettings(slots=1, slot_bytes=1000)


class LateDecoder:
    """Its frames are whole when they are settled, or at its end; `said` tells when that was."""

    def __init__(self, said: list[str], left_from: int | None = None) -> None:
        self._said = said
        self._left_from = left_from

    def decode_into(
        self, path: Path, info: VideoInfo, span: FrameSpan, take: TakePlace, tell: TellReason = tell_nobody
    ) -> None:
        for index in range(span.start, span.stop):
            if index == self._left_from:
                tell("too odd")
            take(index, self.settle(index))
        self._said.append("end")

    def settle(self, index: int) -> Callable[[], None]:
        return lambda: self._said.append(f"settled before {index}")


def test_frames_are_settled_once_per_request_and_before_it_goes() -> None:
    said: list[str] = []
    run = VideoRun(path=Path("clip.mp4"), info=INFO, batches=[FrameSpan(0, 11)])
    port = RequestPort(
        borrow=lambda: Slot(0), emit=lambda request: said.append(f"request of {request.frames.tolist()}")
    )
    ring = FrameRing(cast(TritonClient, None), SETTINGS, OwnMemory(SETTINGS.slot_bytes))
    RequestFiller(run, LateDecoder(said), ring, 4, port).fill()
    assert said == [
        "settled before 4",
        "request of [0, 1, 2, 3]",
        "settled before 8",
        "request of [4, 5, 6, 7]",
        "end",
        "request of [8, 9, 10]",
    ]


def test_requests_say_why_the_cpu_decodes() -> None:
    reasons: list[str | None] = []
    run = VideoRun(path=Path("clip.mp4"), info=INFO, batches=[FrameSpan(0, 12)])
    port = RequestPort(borrow=lambda: Slot(0), emit=lambda request: reasons.append(request.cpu_reason))
    ring = FrameRing(cast(TritonClient, None), SETTINGS, OwnMemory(SETTINGS.slot_bytes))
    RequestFiller(run, LateDecoder([], left_from=6), ring, 4, port).fill()
    assert reasons == [None, "too odd", "too odd"]


def test_a_group_of_frames_travels_in_one_request() -> None:
    requests: list[tuple[list[int], list[bool]]] = []
    batches = [FrameSpan(0, 10), FrameSpan(10, 16)]
    run = VideoRun(path=Path("clip.mp4"), info=INFO, batches=batches, detector_interval=2)
    port = RequestPort(
        borrow=lambda: Slot(0),
        emit=lambda request: requests.append((request.frames.tolist(), request.detected)),
    )
    ring = FrameRing(cast(TritonClient, None), SETTINGS, OwnMemory(SETTINGS.slot_bytes))
    RequestFiller(run, LateDecoder([]), ring, 12, port).fill()
    assert [frames for frames, _ in requests] == [list(range(10)), list(range(10, 16))]
    assert [[frame for frame, is_seen in zip(*each, strict=True) if is_seen] for each in requests] == [
        [0, 2, 4, 6, 7, 9],
        [10, 12, 14, 15],
    ]


@pytest.mark.parametrize(
    ("interval", "expected"), [(1, [[frame] for frame in range(10)]), (3, [[0, 1, 2, 3, 4, 5, 6], [7, 8, 9]])]
)
def test_alone_each_group_travels_by_itself(interval: int, expected: list[list[int]]) -> None:
    requests: list[list[int]] = []
    run = VideoRun(
        path=Path("clip.mp4"),
        info=INFO,
        batches=[FrameSpan(0, 10)],
        detector_interval=interval,
        alone=True,
    )
    port = RequestPort(borrow=lambda: Slot(0), emit=lambda request: requests.append(request.frames.tolist()))
    ring = FrameRing(cast(TritonClient, None), SETTINGS, OwnMemory(SETTINGS.slot_bytes))
    RequestFiller(run, LateDecoder([]), ring, 12, port).fill()
    assert requests == expected

"""Which frames the detector looks at: pure, and the same however a run's frames become requests."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.video import FrameSpan

GROUP_FRAMES_MAX = 8
"""Frames of a group travel in one request, and the smallest default request has so many."""


@dataclass(frozen=True, slots=True)
class DetectionPlan:
    """Every frame batch is cut into groups. The detector looks at a group's first frame, every `interval`-th
    after it and the last one, so that all others lie between two of their own group."""

    batches: Sequence[FrameSpan]
    interval: int
    group_frames: int
    """At most; what ends with its batch may have fewer."""

    @classmethod
    def of(cls, batches: Sequence[FrameSpan], interval: int, frames_per_request: int) -> "DetectionPlan":
        """The plan for requests of at most so many frames. Groups end on a frame that is looked at anyway."""
        most = min(GROUP_FRAMES_MAX, frames_per_request)
        steps = (most - 1) // interval if interval > 1 else 0
        return cls(batches, interval, steps * interval + 1)

    def group_of(self, frame: int) -> FrameSpan:
        """The group of a frame of the run."""
        batch = self.batches[bisect_right(self.batches, frame, key=lambda each: each.start) - 1]
        start = frame - (frame - batch.start) % self.group_frames
        return FrameSpan(start, min(start + self.group_frames, batch.stop))

    def detected(self, frames: Sequence[int]) -> list[bool]:
        """For each of a request's frames, which are those of whole groups that could be decoded."""
        starts = [self.group_of(frame).start for frame in frames]
        is_first = [True, *(one != other for one, other in pairwise(starts))]
        is_last = [*is_first[1:], True]
        on_step = [(frame - start) % self.interval == 0 for frame, start in zip(frames, starts, strict=True)]
        return [any(each) for each in zip(is_first, is_last, on_step, strict=True)]

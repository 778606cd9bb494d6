"""Cutting a video into frame batches and runs: pure."""

from dataclasses import dataclass

import numpy as np

from core.video import FrameSpan, VideoInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """Consecutive frame batches that one worker decodes in one go."""

    span: FrameSpan
    """Starts at a keyframe, so no other worker decodes its frames."""
    batches: tuple[FrameSpan, ...]
    """The span in pieces of `batch_frames`; the last may be shorter."""


def plan_runs(info: VideoInfo, batch_frames: int, batches_per_run: int) -> tuple[RunPlan, ...]:
    """Cut a video so that every frame is in exactly one batch of one run.

    A run grows to the first keyframe at or after `batch_frames * batches_per_run` frames.
    """
    if batch_frames < 1 or batches_per_run < 1:
        raise ValueError(f"expected sizes of at least 1, got {batch_frames} and {batches_per_run}")
    starts = _run_starts(info, batch_frames * batches_per_run)
    stops = [*starts[1:], info.frame_count]
    return tuple(
        _run(FrameSpan(start, stop), batch_frames) for start, stop in zip(starts, stops, strict=True)
    )


def _run_starts(info: VideoInfo, run_frames: int) -> list[int]:
    starts = [0]
    while True:
        position = np.searchsorted(info.keyframes, starts[-1] + run_frames)
        if position == len(info.keyframes):
            return starts
        starts.append(int(info.keyframes[position]))


def _run(span: FrameSpan, batch_frames: int) -> RunPlan:
    starts = range(span.start, span.stop, batch_frames)
    return RunPlan(
        span=span,
        batches=tuple(FrameSpan(start, min(start + batch_frames, span.stop)) for start in starts),
    )

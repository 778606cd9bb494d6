from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.video import VideoInfo
from ingest.runs import plan_runs


def video(frames: int, keyframes: list[int]) -> VideoInfo:
    return VideoInfo(
        width_px=64,
        height_px=48,
        rotation_deg=0,
        frame_rate=Fraction(30),
        pts_ns=np.arange(frames, dtype=np.int64) * 33_333_333,
        keyframes=np.array(keyframes, np.int32),
        codec="h264",
        container="mov",
    )


@st.composite
def videos(draw: st.DrawFn) -> VideoInfo:
    frames = draw(st.integers(1, 400))
    keyframes = draw(st.sets(st.integers(0, frames - 1), max_size=40))
    return video(frames, sorted(keyframes | {0}))


@given(videos(), st.integers(1, 20), st.integers(1, 8))
def test_every_frame_is_in_one_batch(info: VideoInfo, batch_frames: int, batches_per_run: int) -> None:
    runs = plan_runs(info, batch_frames, batches_per_run)
    frames = [index for run in runs for batch in run.batches for index in range(batch.start, batch.stop)]
    assert frames == list(range(info.frame_count))
    assert frames == [index for run in runs for index in range(run.span.start, run.span.stop)]


@given(videos(), st.integers(1, 20), st.integers(1, 8))
def test_batches_are_regular_and_runs_start_at_keyframes(
    info: VideoInfo, batch_frames: int, batches_per_run: int
) -> None:
    runs = plan_runs(info, batch_frames, batches_per_run)
    assert {run.span.start for run in runs} <= set(info.keyframes.tolist())
    for run in runs:
        assert all(batch.frame_count == batch_frames for batch in run.batches[:-1])
        assert 1 <= run.batches[-1].frame_count <= batch_frames
    assert all(run.span.frame_count >= batch_frames * batches_per_run for run in runs[:-1])


@given(videos(), st.integers(1, 20), st.integers(1, 8))
def test_runs_stop_at_the_first_keyframe_that_makes_them_long_enough(
    info: VideoInfo, batch_frames: int, batches_per_run: int
) -> None:
    wanted = batch_frames * batches_per_run
    spans = [run.span for run in plan_runs(info, batch_frames, batches_per_run)]
    assert spans[-1].stop == info.frame_count
    assert [key for span in spans for key in info.keyframes if span.start + wanted <= key < span.stop] == []


def test_an_example() -> None:
    runs = plan_runs(video(25, [0, 10, 20]), batch_frames=4, batches_per_run=2)
    assert [(run.span.start, run.span.stop) for run in runs] == [(0, 10), (10, 20), (20, 25)]
    assert [(batch.start, batch.stop) for batch in runs[0].batches] == [(0, 4), (4, 8), (8, 10)]


def test_sizes_must_be_positive() -> None:
    with pytest.raises(ValueError, match="expected sizes of at least 1, got 0 and 1"):
        plan_runs(video(5, [0]), 0, 1)

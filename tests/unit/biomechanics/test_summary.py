from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomechanics.summary import CpuRange, FrameRange, VideoSummaryBuilder, frame_ranges
from core.poses import PoseBatch
from core.skeletons import COCO_17
from core.video import VideoInfo

INFO = VideoInfo(
    width_px=1280,
    height_px=720,
    rotation_deg=0,
    frame_rate=Fraction(30000, 1001),
    pts_ns=np.array([round((index + 3) * 1001 / 30000 * 1e9) for index in range(12)], np.int64),
    keyframes=np.zeros(1, np.int32),
    codec="h264",
    container="mov",
)


def batch(decoded: list[int], people_in: list[int], confidence: float) -> PoseBatch:
    keypoints = np.full((len(people_in), 17, 3), confidence, np.float32)
    return PoseBatch(
        decoded_frames=np.array(decoded, np.int32),
        decoded_pts_ns=INFO.pts_ns[decoded],
        frame_index=np.array(people_in, np.int32),
        boxes_px=np.zeros((len(people_in), 5), np.float32),
        keypoints_px=keypoints,
    )


def test_a_video_with_a_gap() -> None:
    builder = VideoSummaryBuilder("run.mp4", INFO, COCO_17)
    builder.append(batch([0, 1, 2, 3], [0, 1, 1], 0.5), np.array([1, 1, 2], np.int32))
    builder.append(batch([8, 9, 10], [8], 0.9), np.array([5], np.int32))
    summary = builder.build()
    assert (summary.frames, summary.frames_decoded) == (12, 7)
    assert summary.missing_frames == (FrameRange(first=4, last=7), FrameRange(first=11, last=11))
    assert (summary.people, summary.most_people_in_a_frame, summary.poses) == (3, 2, 4)
    assert summary.mean_confidence == pytest.approx(0.6)
    assert summary.frame_rate == "30000/1001"
    assert summary.start_s == pytest.approx(0.1001)
    assert summary.duration_s == pytest.approx(12 * 1001 / 30000, abs=1e-6)
    assert (summary.video, summary.skeleton, summary.codec) == ("run.mp4", "coco_17", "h264")


def test_nobody_in_the_picture() -> None:
    builder = VideoSummaryBuilder("run.mp4", INFO, COCO_17)
    builder.append(batch(list(range(12)), [], 0), np.array([], np.int32))
    summary = builder.build()
    assert (summary.people, summary.most_people_in_a_frame, summary.poses) == (0, 0, 0)
    assert summary.mean_confidence is None
    assert summary.missing_frames == ()


def test_what_a_gpu_left_to_the_cpu_is_named_with_its_reason() -> None:
    builder = VideoSummaryBuilder("run.mp4", INFO, COCO_17)
    reasons = ["odd", "odd", None, "odd", "damaged"]
    for start, reason in enumerate(reasons):
        frames = batch([2 * start, 2 * start + 1], [], 0)
        builder.append(replace(frames, cpu_reason=reason), np.array([], np.int32))
    assert builder.build().decoded_on_cpu == (
        CpuRange(first_frame=0, last_frame=3, reason="odd"),
        CpuRange(first_frame=6, last_frame=7, reason="odd"),
        CpuRange(first_frame=8, last_frame=9, reason="damaged"),
    )


@given(st.lists(st.booleans(), max_size=50))
def test_ranges_cover_the_mask_and_do_not_touch(mask: list[bool]) -> None:
    ranges = frame_ranges(np.array(mask, np.bool_))
    covered = [index for item in ranges for index in range(item.first, item.last + 1)]
    assert covered == [index for index, marked in enumerate(mask) if marked]
    assert all(before.last + 1 < after.first for before, after in pairwise(ranges))

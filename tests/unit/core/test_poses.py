from typing import Any

import numpy as np
import pytest

from core.poses import PoseBatch
from core.video import FrameSpan


def pose_batch(**changes: np.ndarray) -> PoseBatch:
    arrays: dict[str, Any] = {
        "decoded_frames": np.arange(3, dtype=np.int32),
        "decoded_pts_ns": np.arange(3, dtype=np.int64),
        "frame_index": np.array([0, 2], np.int32),
        "boxes_px": np.zeros((2, 5), np.float32),
        "keypoints_px": np.zeros((2, 26, 3), np.float32),
    }
    return PoseBatch(**(arrays | changes))


def test_a_consistent_batch_is_accepted() -> None:
    assert pose_batch().keypoints_px.shape == (2, 26, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes_px": np.zeros((2, 4), np.float32)}, r"boxes_px: expected \(2, 5\), got \(2, 4\)"),
        ({"keypoints_px": np.zeros((1, 26, 3), np.float32)}, r"expected \(2, K, 3\), got \(1, 26, 3\)"),
        ({"decoded_pts_ns": np.zeros(2, np.int64)}, r"decoded_pts_ns: expected \(3,\), got \(2,\)"),
    ],
)
def test_shapes_that_disagree_are_refused(changes: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pose_batch(**changes)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (3, 3), (4, 3)])
def test_a_span_has_at_least_one_frame(start: int, stop: int) -> None:
    with pytest.raises(ValueError, match="expected 0 <= start < stop"):
        FrameSpan(start, stop)


def test_a_span_counts_its_frames() -> None:
    assert FrameSpan(2, 7).frame_count == 5

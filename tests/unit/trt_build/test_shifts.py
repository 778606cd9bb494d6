"""How shifts are measured."""

from pathlib import Path

import numpy as np
import pytest

from tests.golden.fill import golden
from tests.tiny_networks import detector_like, pictures, pose_like
from trt_build.shifts import box_shift, joint_shift, joints


def test_a_file_does_not_shift_against_itself(tmp_path: Path) -> None:
    source = pose_like(tmp_path)
    assert joint_shift(source, source, [pictures(2)]).p95_px == 0


def test_joints_are_the_official_ones() -> None:
    reference = golden("post_hrnet")
    peaks = joints(reference["heatmaps"])
    to_picture = reference["trans_inv_48x64"][[0, 1, 3]]
    homogeneous = np.concatenate((peaks, np.ones_like(peaks[..., :1])), axis=-1)
    placed = np.einsum("nij,nkj->nki", to_picture, homogeneous)
    seen = reference["maxvals"][..., 0] > 0
    np.testing.assert_allclose(placed[seen], reference["final_preds_post"][seen], atol=1e-3)


@pytest.mark.parametrize(("score", "count"), [(0.25, 3 * 2), (0.95, 0)])
def test_box_shift_counts_the_corners_of_sure_predictions(tmp_path: Path, score: float, count: int) -> None:
    shift = box_shift(detector_like(tmp_path, 0), detector_like(tmp_path, 2), [pictures(3)], score)
    assert shift.count == count
    assert shift.mean_px == pytest.approx(2.0 if count else 0.0)

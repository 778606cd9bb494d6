"""Heatmaps -> joints, as the official code decodes them."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model_repository.glue.heatmaps import joints_of, read_peaks
from model_repository.glue.pixel_arrays import NUMPY

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "post_hrnet.npz")
HEATMAPS = GOLDEN["heatmaps"]


def golden_boxes() -> NDArray[np.float32]:
    """The official boxes of the three people, as corners."""
    xywh = GOLDEN["boxes_xywh"][[0, 1, 3]]
    return np.column_stack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:], np.ones(3)]).astype(np.float32)


def decode_joints(heatmaps: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    return joints_of(read_peaks(NUMPY, heatmaps), boxes)


def test_maxima_are_official() -> None:
    peaks = read_peaks(NUMPY, HEATMAPS)
    np.testing.assert_array_equal(peaks.points(), GOLDEN["max_preds"])
    np.testing.assert_array_equal(peaks.scores[..., None], GOLDEN["maxvals"])


def test_joints_are_official() -> None:
    """Also the special heatmaps: all negative, corners, the border's neighbours, symmetry and ties."""
    joints = decode_joints(HEATMAPS, golden_boxes())
    np.testing.assert_allclose(joints[..., :2], GOLDEN["final_preds_post"], rtol=1e-5, atol=1e-2)
    np.testing.assert_array_equal(joints[..., 2:], GOLDEN["maxvals"])


def test_nobody_gives_no_joints() -> None:
    empty = np.zeros((0, 26, 64, 48), np.float32)
    assert decode_joints(empty, np.zeros((0, 5), np.float32)).shape == (0, 26, 3)


@given(st.permutations(range(3)))
def test_permuting_people_permutes_joints(order: list[int]) -> None:
    joints = decode_joints(HEATMAPS, golden_boxes())
    np.testing.assert_array_equal(decode_joints(HEATMAPS[order], golden_boxes()[order]), joints[order])


@given(st.floats(5, 42), st.floats(5, 58))
def test_refinement_stays_within_a_quarter_and_does_not_drift(x: float, y: float) -> None:
    rows, columns = np.mgrid[0:64, 0:48]
    heatmap = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8).astype(np.float32)[None, None]
    refined = read_peaks(NUMPY, heatmap).refined_points()
    assert np.abs(refined[0, 0] - [x, y]).max() <= 0.26

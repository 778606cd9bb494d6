"""The glue on PyTorch's arrays gives what it gives on NumPy's, here on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model_repository.glue import pixel_arrays
from model_repository.glue.boxes import DetectionLimits, select_people
from model_repository.glue.crops import crop_transforms
from model_repository.glue.heatmaps import read_peaks
from model_repository.glue.pixel_arrays import NUMPY

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
gpu = pytest.importorskip("model_repository.glue.torch_arrays", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

CROP_HW = (256, 192)
LIMITS = DetectionLimits(score_min=0.25, iou_max=0.45, people_max=16)


def on_torch() -> pixel_arrays.Device:
    device: pixel_arrays.Device = gpu.torch_arrays(torch.device("cpu"))
    return device


@given(
    frames=arrays(np.uint8, st.tuples(st.just(2), st.integers(1, 70), st.integers(1, 90), st.just(3))),
    box=st.tuples(*[st.floats(-50, 150, width=32)] * 4, st.just(1.0)),
)
def test_pictures_are_the_same(frames: np.ndarray, box: tuple[float, ...]) -> None:
    transforms = crop_transforms(np.array([box], np.float32), CROP_HW)
    index = np.array([1], np.int32)
    device, tensor = on_torch(), torch.from_numpy(frames)
    for expected, got in (
        (
            pixel_arrays.letterbox(NUMPY, frames, (96, 96)),
            pixel_arrays.letterbox(device, tensor, (96, 96)),
        ),
        (
            pixel_arrays.warp_crops(NUMPY, frames, index, transforms, CROP_HW),
            pixel_arrays.warp_crops(device, tensor, index, transforms, CROP_HW),
        ),
    ):
        assert np.abs(expected.astype(int) - got.numpy()).max() <= 1


@given(arrays(np.float32, (2, 3, 5, 4), elements=st.floats(-1, 1, width=32)))
def test_peaks_are_the_same(heatmaps: np.ndarray) -> None:
    expected, got = read_peaks(NUMPY, heatmaps), read_peaks(on_torch(), torch.from_numpy(heatmaps))
    np.testing.assert_array_equal(got.places, expected.places)
    np.testing.assert_array_equal(got.scores, expected.scores)
    np.testing.assert_array_equal(got.slopes, expected.slopes)


@given(seed=st.integers(0, 2**32), most=st.integers(1, 60))
def test_the_same_people_are_found_among_the_likely_rows(seed: int, most: int) -> None:
    predictions = np.random.default_rng(seed).random((2, 40, 5), dtype=np.float32)
    likely = gpu.likely_rows(torch.from_numpy(predictions), LIMITS.score_min, most)
    for rows, all_rows in zip(likely, predictions, strict=True):
        np.testing.assert_array_equal(select_people(rows, 0.5, LIMITS), select_people(all_rows, 0.5, LIMITS))


def test_a_broken_detector_stays_visible() -> None:
    predictions = np.zeros((1, 40, 5), np.float32)
    predictions[0, 17, 4] = np.nan
    assert np.isnan(gpu.likely_rows(torch.from_numpy(predictions), 0.25, 4)[..., 4]).any()

"""DALI's letterbox, run on the CPU, against the array version."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model_repository.contract import read_config
from model_repository.glue import pixel_arrays
from trt_build import dali
from trt_build.dali import MODEL_FILE, letterbox_config, letterbox_pipeline, write_letterbox

NETWORK_HW = (416, 416)
BATCH_MAX = 8
ONE_LEVEL = 1
"""1/255 of what the networks see."""
pytestmark = pytest.mark.skipif(not dali.is_installed(), reason="DALI is not installed")


def run(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The pipeline's answer to frames [N, H, W, 3]."""
    pipeline = letterbox_pipeline(NETWORK_HW, len(frames), "cpu")
    pipeline.build()
    pipeline.feed_input(dali.INPUT, list(frames))
    [images] = pipeline.run()
    return np.array(images.as_array())


def noise(height: int, width: int) -> NDArray[np.uint8]:
    """Two pictures in which every wrong pixel shows."""
    return np.random.default_rng(7).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


def levels_apart(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    """The largest difference."""
    return int(np.abs(one.astype(np.int16) - other).max())


@pytest.mark.parametrize(
    ("height", "width"),
    [(1080, 1920), (1920, 1080), (2160, 3840), (416, 416), (90, 160), (1, 900), (1079, 607)],
)
def test_it_equals_the_array_version_within_a_grey_level(height: int, width: int) -> None:
    frames = noise(height, width)
    expected = pixel_arrays.letterbox(pixel_arrays.NUMPY, frames, NETWORK_HW)
    assert levels_apart(run(frames), expected) <= ONE_LEVEL


@given(height=st.integers(1, 500), width=st.integers(1, 500))
@settings(max_examples=40)
def test_pictures_of_all_shapes_fit_alike(height: int, width: int) -> None:
    frames = noise(height, width)
    expected = pixel_arrays.letterbox(pixel_arrays.NUMPY, frames, NETWORK_HW)
    assert levels_apart(run(frames), expected) <= ONE_LEVEL


def test_the_written_model_is_the_pipeline_on_the_gpu(tmp_path: Path) -> None:
    folder = tmp_path / "letterbox_dali"
    write_letterbox(NETWORK_HW, BATCH_MAX, folder)
    assert b"gpu" in (folder / "1" / MODEL_FILE).read_bytes()
    assert read_config(folder / "config.pbtxt") == letterbox_config("letterbox_dali", NETWORK_HW, BATCH_MAX)

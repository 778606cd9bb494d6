"""Letterbox and crops: as the official code, and the same on every kind of array."""

from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

from model_repository.glue import pixel_arrays, pixels
from model_repository.glue.crops import PIXEL_CENTRE, crop_transforms
from tests.golden.fill import make_image

GOLDEN = Path(__file__).parents[2] / "golden"
YOLOX = np.load(GOLDEN / "post_yolox.npz")
HRNET = np.load(GOLDEN / "post_hrnet.npz")
CROP_HW = (256, 192)
SIZES = [(720, 1280), (1279, 719), (90, 160), (1, 1), (3, 500)]


def picture(number: int) -> NDArray[np.uint8]:
    height, width = YOLOX[f"pre{number}_image_hw"]
    image: NDArray[np.uint8] = make_image(height, width, int(YOLOX[f"pre{number}_seed"]))
    return image


def smooth_pictures(height: int, width: int) -> NDArray[np.uint8]:
    """Two pictures whose values differ little from pixel to pixel."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / 23 + phase) * np.cos(y / 31) for phase in (0, 1, 2, 3, 4, 5)]
    return (
        (127 + 120 * np.stack(waves, axis=-1))
        .astype(np.uint8)
        .reshape(height, width, 2, 3)
        .transpose(2, 0, 1, 3)
    )


def golden_transforms() -> NDArray[np.float64]:
    """Official crops are cut at index coordinates: half a pixel from ours."""
    xywh = HRNET["boxes_xywh"][HRNET["crop_boxes"]] + [PIXEL_CENTRE, PIXEL_CENTRE, 0, 0]
    return crop_transforms(
        np.column_stack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]).astype(np.float32), CROP_HW
    )


@pytest.mark.parametrize("number", range(3))
def test_letterbox_is_official(number: int) -> None:
    network_hw = tuple(YOLOX[f"pre{number}_input_size"].tolist())
    got = pixels.letterbox(picture(number)[None], network_hw)[0]
    np.testing.assert_array_equal(got.transpose(2, 0, 1), YOLOX[f"pre{number}_chw_uint8"])


def test_crops_are_official() -> None:
    bgr = make_image(360, 480)
    assert crc32(bgr.tobytes()) == HRNET["image_bgr_crc"]
    got = pixels.warp_crops(bgr[None, ..., ::-1].copy(), [0, 0, 0], golden_transforms(), CROP_HW)
    difference = np.abs(got.astype(int) - HRNET["crop_rgb"])
    assert difference.mean() <= 1
    assert difference.max() <= 8


@pytest.mark.parametrize("picture_hw", SIZES)
def test_letterbox_is_the_same_as_array_operations(picture_hw: tuple[int, int]) -> None:
    frames = np.ascontiguousarray(smooth_pictures(*picture_hw))
    by_arrays = pixel_arrays.letterbox(pixel_arrays.NUMPY, frames, (416, 416))
    assert _largest_difference(pixels.letterbox(frames, (416, 416)), by_arrays) <= 1


@pytest.mark.parametrize("picture_hw", SIZES)
def test_crops_are_the_same_as_array_operations(picture_hw: tuple[int, int]) -> None:
    frames = np.ascontiguousarray(smooth_pictures(*picture_hw))
    height, width = picture_hw
    boxes = np.array(
        [[0, 0, width, height, 1], [-40, 3.3, 60, 200, 1], [width / 3, 1, width, height, 1]], np.float32
    )
    transforms = crop_transforms(boxes, CROP_HW)
    index = [1, 0, 1]
    by_arrays = pixel_arrays.warp_crops(pixel_arrays.NUMPY, frames, index, transforms, CROP_HW)
    difference = np.abs(pixels.warp_crops(frames, index, transforms, CROP_HW).astype(int) - by_arrays)
    # OpenCV rounds places to 1/32 px, which shows where the black outside meets the picture.
    assert difference.max() <= 255 / 32 + 1
    assert difference.mean() <= 1


def test_no_people_give_no_crops() -> None:
    frames = np.zeros((1, 9, 9, 3), np.uint8)
    assert pixels.warp_crops(frames, [], np.zeros((0, 2, 3)), CROP_HW).shape == (0, *CROP_HW, 3)


def test_a_dot_is_found_at_its_pixel_centre() -> None:
    """The brightest crop pixel leads back to the dot: no bias between picture and crop."""
    frames = np.zeros((1, 240, 320, 3), np.uint8)
    frames[0, 130, 170] = 255
    transform = crop_transforms(np.array([[100, 50, 220, 210, 1]], np.float32), CROP_HW)
    crop = pixels.warp_crops(frames, [0], transform, CROP_HW)[0, ..., 0].astype(float)
    y, x = (np.average(axis, weights=crop) for axis in np.mgrid[0:256, 0:192])
    place = (np.array([x, y]) - transform[0, :, 2]) / transform[0, [0, 1], [0, 1]] + PIXEL_CENTRE
    np.testing.assert_allclose(place, [170.5, 130.5], atol=0.05)


def _largest_difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    return int(np.abs(first.astype(int) - second).max())

"""Boxes -> crops and joints back: HRNet's official geometry, in continuous coordinates."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from model_repository.glue.crops import PIXEL_CENTRE, crop_regions, crop_transforms, heatmap_to_picture

GOLDEN = np.load(Path(__file__).parents[2] / "golden" / "post_hrnet.npz")
CROP_HW = (256, 192)
HEATMAP_HW = (64, 48)


def golden_boxes() -> NDArray[np.float32]:
    """Official boxes (x y w h) as corners, without the one with centre x = -1, a quirk that is left out."""
    xywh = GOLDEN["boxes_xywh"][GOLDEN["center"][:, 0] != -1]
    return np.column_stack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]).astype(np.float32)


def golden(name: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = GOLDEN[name][GOLDEN["center"][:, 0] != -1]
    return values


@st.composite
def boxes(draw: st.DrawFn) -> NDArray[np.float32]:
    count = draw(st.integers(0, 5))
    low = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(-200, 1000, width=32)))
    size = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(2, 800, width=32)))
    return np.concatenate([low, low + size, np.ones((count, 1), np.float32)], axis=1)


def test_regions_are_official() -> None:
    regions = crop_regions(golden_boxes(), 192 / 256)
    np.testing.assert_allclose(regions[:, :2], golden("center"), atol=1e-3)
    np.testing.assert_allclose(regions[:, 2:], golden("scale") * 200, rtol=1e-5)


def test_transforms_are_official_for_index_coordinates() -> None:
    for name, crop_hw in (("trans_192x256", (256, 192)), ("trans_288x384", (384, 288))):
        shifted = golden_boxes() + np.float32(PIXEL_CENTRE)
        np.testing.assert_allclose(crop_transforms(shifted, crop_hw), golden(name), rtol=1e-4, atol=2e-3)


def test_way_back_is_official() -> None:
    points = np.array([[[0, 0], [47, 63], [12.25, 30.75]]], np.float32)
    inverse = golden("trans_inv_48x64")
    expected = np.einsum("pij,kj->pki", inverse[:, :, :2], points[0]) + inverse[:, None, :, 2]
    got = heatmap_to_picture(np.repeat(points, len(inverse), 0), golden_boxes(), HEATMAP_HW)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-2)


@given(boxes())
def test_round_trip_has_no_bias(people: NDArray[np.float32]) -> None:
    """A crop pixel of index 4 h shows the place that heatmap index h decodes to: its own pixel centre."""
    cells = np.array([[0, 0], [47, 63], [20, 31]], np.float32)
    transforms = crop_transforms(people, CROP_HW)
    back = heatmap_to_picture(np.repeat(cells[None], len(people), 0), people, HEATMAP_HW)
    scale = transforms[:, None, [0, 1], [0, 1]]
    picture_index = (cells * 4 - transforms[:, None, :, 2]) / scale
    np.testing.assert_allclose(back, picture_index + PIXEL_CENTRE, atol=2e-3)


@given(boxes(), st.floats(-300, 300), st.floats(-300, 300))
def test_moving_the_box_moves_the_joints(people: NDArray[np.float32], dx: float, dy: float) -> None:
    cells = np.full((len(people), 1, 2), 17, np.float32)
    moved = people + np.array([dx, dy, dx, dy, 0], np.float32)
    expected = heatmap_to_picture(cells, people, HEATMAP_HW) + np.array([dx, dy], np.float32)
    np.testing.assert_allclose(heatmap_to_picture(cells, moved, HEATMAP_HW), expected, atol=1e-2)


@given(boxes(), st.floats(0.5, 3))
def test_scaling_the_picture_scales_the_joints(people: NDArray[np.float32], factor: float) -> None:
    cells = np.full((len(people), 1, 2), 17, np.float32)
    scaled = people * np.array([factor] * 4 + [1], np.float32)
    expected = heatmap_to_picture(cells, people, HEATMAP_HW) * factor
    np.testing.assert_allclose(heatmap_to_picture(cells, scaled, HEATMAP_HW), expected, rtol=1e-3, atol=1e-2)


@given(boxes(), st.randoms(use_true_random=False))
def test_permuting_boxes_permutes_transforms(people: NDArray[np.float32], random: object) -> None:
    order = list(range(len(people)))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(
        crop_transforms(people[order], CROP_HW), crop_transforms(people, CROP_HW)[order]
    )


def test_an_empty_box_still_has_a_place() -> None:
    region = crop_regions(np.array([[10, 20, 10, 20, 0.5]], np.float32), 0.75)
    np.testing.assert_allclose(region, [[10, 20, 1.25, 1.25 / 0.75]])

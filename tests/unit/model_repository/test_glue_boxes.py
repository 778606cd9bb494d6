"""Detector output -> boxes in the picture."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from model_repository.glue.boxes import (
    DetectionLimits,
    corners,
    letterbox_scale,
    letterboxed_hw,
    overlaps,
    select_people,
    suppress,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "post_yolox.npz"
LIMITS = DetectionLimits(score_min=0.25, iou_max=0.45, people_max=16)
sizes = st.tuples(st.integers(1, 4000), st.integers(1, 4000))
coordinates = st.floats(-500, 500, width=32)


@st.composite
def predictions(draw: st.DrawFn) -> NDArray[np.float32]:
    count = draw(st.integers(0, 12))
    centres = draw(hnp.arrays(np.float32, (count, 2), elements=coordinates))
    lengths = draw(hnp.arrays(np.float32, (count, 2), elements=st.floats(1, 300, width=32)))
    scores = draw(st.lists(st.integers(0, 1000), min_size=count, max_size=count, unique=True))
    column = (np.array(scores, np.float32) / 1000)[:, None]
    return np.concatenate([centres, lengths, column], axis=1)


@pytest.mark.parametrize("number", range(4))
def test_letterbox_geometry_is_official(number: int) -> None:
    golden = np.load(GOLDEN)
    picture_hw = tuple(golden[f"pre{number}_image_hw"].tolist())
    network_hw = tuple(golden[f"pre{number}_input_size"].tolist())
    assert letterbox_scale(picture_hw, network_hw) == pytest.approx(float(golden[f"pre{number}_ratio"]))
    assert letterboxed_hw(picture_hw, network_hw) == tuple(golden[f"pre{number}_resized_hw"])


@pytest.mark.parametrize("name", ["demo", "eval", "default"])
@pytest.mark.parametrize("image", [0, 1])
def test_selection_keeps_what_the_official_code_keeps(name: str, image: int) -> None:
    golden = np.load(GOLDEN)
    confidence, iou_max, agnostic = golden[f"pp_{name}_conf_nms_agnostic"]
    raw = golden["pp_prediction"][image]
    best = raw[:, 5:].argmax(axis=1)
    person = np.concatenate([raw[:, :4], raw[:, 4:5] * raw[:, 5:].max(axis=1, keepdims=True)], axis=1)
    limits = DetectionLimits(score_min=confidence, iou_max=iou_max, people_max=1000)
    classes = [slice(None)] if agnostic else [best == value for value in np.unique(best)]
    got = np.concatenate([select_people(person[rows], 1.0, limits) for rows in classes])
    expected = golden[f"pp_{name}_{image}"]
    expected_rows = np.column_stack([expected[:, :4], expected[:, 4] * expected[:, 5]])
    assert len(got) == len(expected_rows)
    order = np.argsort(-got[:, 4], kind="stable")
    np.testing.assert_allclose(got[order], expected_rows, rtol=1e-5, atol=1e-3)


@given(sizes, sizes)
def test_letterboxed_picture_fits_and_touches_a_side(
    picture_hw: tuple[int, int], network_hw: tuple[int, int]
) -> None:
    fitted = letterboxed_hw(picture_hw, network_hw)
    assert all(1 <= length <= limit for length, limit in zip(fitted, network_hw, strict=True))
    assert any(length >= limit - 1 for length, limit in zip(fitted, network_hw, strict=True))


@given(predictions(), st.floats(0.05, 4))
def test_boxes_return_to_the_picture(rows: NDArray[np.float32], scale: float) -> None:
    picture = select_people(rows, 1.0, LIMITS)
    scaled = rows * np.array([scale] * 4 + [1], np.float32)
    np.testing.assert_allclose(select_people(scaled, scale, LIMITS), picture, rtol=1e-3, atol=0.05)


@given(predictions(), st.randoms(use_true_random=False))
def test_order_of_anchors_does_not_matter(rows: NDArray[np.float32], random: object) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(select_people(rows[order], 1.0, LIMITS), select_people(rows, 1.0, LIMITS))


@given(predictions())
def test_kept_boxes_are_few_sure_apart_and_best_first(rows: NDArray[np.float32]) -> None:
    limits = DetectionLimits(score_min=0.25, iou_max=0.45, people_max=3)
    boxes = select_people(rows, 1.0, limits)
    assert len(boxes) <= 3
    assert (boxes[:, 4] >= 0.25).all()
    assert (np.diff(boxes[:, 4]) <= 0).all()
    for place in range(len(boxes)):
        assert (overlaps(boxes[place], boxes[place + 1 :]) <= 0.45).all()


def test_nothing_gives_nothing() -> None:
    assert select_people(np.zeros((0, 5), np.float32), 1.0, LIMITS).shape == (0, 5)
    assert select_people(np.zeros((7, 5), np.float32), 0.3, LIMITS).shape == (0, 5)
    assert suppress(np.zeros((0, 5), np.float32), 0.5, 3).tolist() == []


def test_values_that_are_not_finite_are_nobody() -> None:
    rows = np.array([[np.nan, 5, 10, 10, 0.9], [5, 5, np.inf, 10, 0.9], [5, 5, 10, 10, np.nan]], np.float32)
    assert len(select_people(rows, 1.0, LIMITS)) == 0


def test_a_known_overlap() -> None:
    boxes = corners(np.array([[5, 5, 10, 10, 1], [10, 5, 10, 10, 1], [30, 30, 2, 2, 1]], np.float32))
    np.testing.assert_allclose(overlaps(boxes[0], boxes), [1, 1 / 3, 0], rtol=1e-6)

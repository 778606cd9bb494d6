import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from biomechanics.identities import IdentitySettings, IdentityTracker, box_overlap

Boxes = NDArray[np.float32]


def box(x: float, y: float = 0, width: float = 40, height: float = 100) -> list[float]:
    return [x, y, x + width, y + height, 0.9]


def boxes_of(*rows: list[float]) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 5)


@st.composite
def crowds(draw: st.DrawFn) -> Boxes:
    count = draw(st.integers(0, 6))
    corners = draw(arrays(np.int32, (count, 2), elements=st.integers(0, 300)))
    sizes = draw(arrays(np.int32, (count, 2), elements=st.integers(1, 120)))
    unique = np.unique(np.concatenate([corners, corners + sizes], axis=-1), axis=0)
    return np.concatenate([unique, np.full((len(unique), 1), 0.9)], axis=-1).astype(np.float32)


frames_of_crowds = st.lists(crowds(), min_size=1, max_size=8)


def follow(frames: list[Boxes]) -> list[list[int]]:
    tracker = IdentityTracker()
    return [tracker.update(index, boxes_px).tolist() for index, boxes_px in enumerate(frames)]


@given(frames_of_crowds)
def test_ids_are_distinct_in_a_frame_and_given_in_order(frames: list[Boxes]) -> None:
    ids = follow(frames)
    assert all(len(set(row)) == len(row) for row in ids)
    seen = {person_id for row in ids for person_id in row}
    assert seen == set(range(1, len(seen) + 1))


@given(frames_of_crowds)
def test_a_person_keeps_the_number_while_the_boxes_overlap(frames: list[Boxes]) -> None:
    still = [frames[0]] * 3
    ids = follow(still)
    assert ids[0] == ids[1] == ids[2]


@given(frames_of_crowds, st.integers(-500, 500), st.sampled_from([0.5, 2.0, 4.0]))
def test_moving_or_scaling_the_picture_changes_nothing(frames: list[Boxes], shift: int, scale: float) -> None:
    factors = np.array([scale, scale, scale, scale, 1], np.float32)
    offsets = np.array([shift, shift, shift, shift, 0], np.float32)
    assert follow([boxes_px * factors + offsets for boxes_px in frames]) == follow(frames)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=5, unique=True))
def test_the_order_of_the_boxes_does_not_matter(corners: list[tuple[int, int]]) -> None:
    first = boxes_of(*(box(x * 50, y * 120) for x, y in corners))
    second = first + np.array([7, 3, 7, 3, 0], np.float32)
    backwards = follow([first[::-1], second])
    assert backwards[0][::-1] == follow([first, second])[0]
    assert backwards[1] == follow([first, second])[1]


def test_new_people_are_numbered_from_left_to_right() -> None:
    assert follow([boxes_of(box(500), box(10), box(200))]) == [[3, 1, 2]]


def test_the_best_overlap_wins() -> None:
    ids = follow([boxes_of(box(0), box(30)), boxes_of(box(28), box(10))])
    assert ids == [[1, 2], [2, 1]]


def test_a_short_absence_is_bridged_and_a_long_one_is_not() -> None:
    tracker = IdentityTracker(IdentitySettings(forget_after_frames=5))
    person = boxes_of(box(0))
    assert tracker.update(0, person).tolist() == [1]
    assert tracker.update(5, person).tolist() == [1]
    assert tracker.update(11, person).tolist() == [2]


def test_someone_far_away_is_new() -> None:
    assert follow([boxes_of(box(0)), boxes_of(box(300))]) == [[1], [2]]


def test_nobody() -> None:
    ids = IdentityTracker().update(0, boxes_of())
    assert ids.shape == (0,)
    assert ids.dtype == np.int32


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (box(0), box(0), 1.0),
        (box(0), box(40), 0.0),
        (box(0), box(20), 1 / 3),
        (box(0, width=0), box(0, width=0), 0.0),
    ],
)
def test_overlap(first: list[float], second: list[float], expected: float) -> None:
    assert box_overlap(boxes_of(first), boxes_of(second)) == pytest.approx(expected)


@given(crowds(), crowds())
def test_overlap_is_symmetric_and_a_share(first: Boxes, second: Boxes) -> None:
    overlap = box_overlap(first, second)
    assert overlap.shape == (len(first), len(second))
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_array_equal(overlap, box_overlap(second, first).T)

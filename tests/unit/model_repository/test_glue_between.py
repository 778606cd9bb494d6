"""People in frames that the detector did not look at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_repository.glue.between import Boxes, detected_places, fill_between, same_people

Row = tuple[float, float, float, float, float]
A, A_LATER = (0.0, 0.0, 40.0, 80.0, 0.9), (8.0, 4.0, 48.0, 84.0, 0.7)
B, B_LATER = (100.0, 0.0, 140.0, 80.0, 0.8), (104.0, 0.0, 144.0, 80.0, 0.8)


def boxes(*rows: Row) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 5)


def filled(first: Boxes, last: Boxes, frames: int) -> list[Boxes]:
    return fill_between([first, last], np.array([0, frames - 1]), frames)


def test_who_is_in_both_frames_moves_straight_between_them() -> None:
    found = filled(boxes(A), boxes(A_LATER), 5)
    np.testing.assert_allclose(found[1], [[2, 1, 42, 81, 0.85]])
    np.testing.assert_allclose(found[2], [[4, 2, 44, 82, 0.8]])
    np.testing.assert_allclose(found[3], [[6, 3, 46, 83, 0.75]])


def test_people_are_told_apart_and_the_best_comes_first() -> None:
    found = filled(boxes(A, B), boxes(B_LATER, A_LATER), 5)
    np.testing.assert_allclose(found[1], [[2, 1, 42, 81, 0.85], [101, 0, 141, 80, 0.8]])
    np.testing.assert_allclose(found[3], [[103, 0, 143, 80, 0.8], [6, 3, 46, 83, 0.75]])


def test_who_is_in_one_frame_only_is_in_those_that_are_near_to_it() -> None:
    assert [len(frame) for frame in filled(boxes(A), boxes(), 6)] == [1, 1, 1, 0, 0, 0]
    assert [len(frame) for frame in filled(boxes(), boxes(A), 6)] == [0, 0, 0, 1, 1, 1]
    assert [len(frame) for frame in filled(boxes(A), boxes(B), 3)] == [1, 1, 1]
    np.testing.assert_array_equal(filled(boxes(A), boxes(B), 3)[1], boxes(A))


def test_a_person_is_matched_once() -> None:
    twice = boxes(A_LATER, (2.0, 1.0, 42.0, 81.0, 0.5))
    np.testing.assert_array_equal(same_people(boxes(A), twice), [[0, 1]])


row = st.tuples(st.floats(0, 500), st.floats(0, 300), st.floats(1, 100), st.floats(1, 100), st.floats(0, 1))


def best_first(rows: list[Row]) -> Boxes:
    placed = [(left, top, left + width, top + height, score) for left, top, width, height, score in rows]
    return boxes(*sorted(placed, key=lambda each: -each[4]))


people = st.lists(row, max_size=4).map(best_first)


@given(st.lists(people, min_size=1, max_size=4), st.integers(1, 4))
def test_detections_stay_and_no_frame_has_more_people_than_both_its_neighbours(
    found: list[Boxes], step: int
) -> None:
    places = np.arange(len(found)) * step
    frames = fill_between(found, places, int(places[-1]) + 1)
    for place, frame in enumerate(frames):
        around = [found[place // step], found[-(-place // step)]]
        assert len(frame) <= max(len(each) for each in around)
        assert (np.diff(frame[:, 4]) <= 0).all()
    for place, each in zip(places, found, strict=True):
        np.testing.assert_array_equal(frames[place], each)


def test_marks_name_places() -> None:
    assert detected_places("10011", 5).tolist() == [0, 3, 4]


@pytest.mark.parametrize("marks", ["", "101", "0101", "1010", "1x01", "11111"])
def test_marks_of_another_request_are_refused(marks: str) -> None:
    with pytest.raises(ValueError, match="expected parameter detected of 4 digits"):
        detected_places(marks, 4)

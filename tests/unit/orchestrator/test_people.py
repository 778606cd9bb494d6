"""Who of the people that were found is in the results."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.poses import PoseBatch
from orchestrator.parameters import JobParameters
from orchestrator.people import PeopleInOrder

FRAMES = 4
people = st.lists(st.tuples(st.integers(0, FRAMES - 1), st.floats(0, 1, width=32)), max_size=20)


def found(rows: list[tuple[int, float]]) -> PoseBatch:
    """People given as frame and score, one beside the other."""
    count = len(rows)
    boxes = np.zeros((count, 5), np.float32)
    boxes[:, 0] = np.arange(count) * 20
    boxes[:, 2:4] = boxes[:, 0:2] + (10, 30)
    boxes[:, 4] = [score for _, score in rows]
    return PoseBatch(
        decoded_frames=np.arange(FRAMES, dtype=np.int32),
        decoded_pts_ns=np.arange(FRAMES, dtype=np.int64) * 40_000_000,
        frame_index=np.array([frame for frame, _ in rows], np.int32),
        boxes_px=boxes,
        keypoints_px=np.zeros((count, 26, 3), np.float32),
    )


@given(people, st.integers(1, 16), st.floats(0, 1, width=32))
def test_the_best_of_each_frame_are_in_the_results(
    rows: list[tuple[int, float]], people_cap: int, person_score: float
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    parameters = JobParameters(people_cap=people_cap, person_score=person_score)
    kept, ids = PeopleInOrder(parameters).take(found(rows))
    assert len(ids) == len(kept.frame_index)
    for frame in range(FRAMES):
        scores = sorted((score for index, score in rows if index == frame), reverse=True)
        expected = [score for score in scores if score >= person_score][:people_cap]
        assert sorted(kept.boxes_px[kept.frame_index == frame, 4].tolist(), reverse=True) == expected


def test_of_equals_the_first_stays() -> None:
    kept, _ = PeopleInOrder(JobParameters(people_cap=1)).take(found([(0, 0.5), (0, 0.5), (1, 0.9)]))
    assert kept.boxes_px[:, 0].tolist() == [0, 40]

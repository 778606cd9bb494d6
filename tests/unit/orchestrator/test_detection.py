"""Which frames the detector looks at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.video import FrameSpan
from orchestrator.detection import DetectionPlan


def marks(plan: DetectionPlan, frames: list[int]) -> str:
    return "".join("1" if each else "0" for each in plan.detected(frames))


@pytest.mark.parametrize(
    ("interval", "expected"),
    [(1, "1" * 16), (2, "1010101101010111"), (3, "1001001100100111"), (7, "1000000110000001")],
)
def test_first_every_nth_and_last_frame_of_each_group(interval: int, expected: str) -> None:
    plan = DetectionPlan.of([FrameSpan(100, 116)], interval, 32)
    assert marks(plan, list(range(100, 116))) == expected


def test_a_group_ends_with_its_frame_batch() -> None:
    plan = DetectionPlan.of([FrameSpan(0, 5), FrameSpan(5, 10)], 3, 32)
    assert plan.group_of(4) == FrameSpan(0, 5)
    assert marks(plan, list(range(10))) == "1001110011"


def test_frames_on_either_side_of_a_damaged_one_are_looked_at_if_they_end_a_group() -> None:
    plan = DetectionPlan.of([FrameSpan(0, 14)], 3, 8)
    assert marks(plan, [1, 2, 3, 4, 5, 8, 9]) == "1010111"


def test_small_requests_make_small_groups() -> None:
    assert DetectionPlan.of([FrameSpan(0, 9)], 2, 4).group_frames == 3
    assert DetectionPlan.of([FrameSpan(0, 9)], 3, 3).group_frames == 1


@given(st.integers(1, 7), st.integers(1, 20), st.integers(1, 5), st.data())
def test_a_frame_is_looked_at_or_not_wherever_its_run_starts_and_however_groups_travel(
    interval: int, batch_frames: int, count: int, data: st.DataObject
) -> None:
    batches = [FrameSpan(at * batch_frames, (at + 1) * batch_frames) for at in range(count)]
    plan = DetectionPlan.of(batches, interval, 8)
    whole = plan.detected(range(batches[-1].stop))
    later = data.draw(st.integers(0, count - 1))
    again = DetectionPlan.of(batches[later:], interval, 32)
    frame = data.draw(st.integers(batches[later].start, batches[-1].stop - 1))
    group = again.group_of(frame)
    assert group == plan.group_of(frame)
    assert again.detected(range(group.start, group.stop)) == whole[group.start : group.stop]
    assert whole[group.start]
    assert whole[group.stop - 1]

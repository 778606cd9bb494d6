"""Turns between tiers and projects."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.jobs import Tier
from orchestrator.lanes import Lane, Queue
from orchestrator.scheduler import AGEING_S, QUANTUM_FRAMES, WEIGHTS, Scheduler, Turn


def lane(tier: Tier, project_id: int = 1) -> Lane:
    """A lane of runs."""
    return Lane(queue=Queue.RUNS, tier=tier, project_id=project_id)


RUN_FRAMES = st.lists(st.integers(1, 600), min_size=1, max_size=20)
LANE = st.builds(lane, tier=st.sampled_from(Tier), project_id=st.integers(1, 5))


def backlogged(lanes: Sequence[Lane]) -> Scheduler:
    """A scheduler whose lanes all have something."""
    scheduler = Scheduler()
    for each in lanes:
        scheduler.add(each, 0.0)
    return scheduler


def serve(scheduler: Scheduler, turns: int, frames_of: Callable[[Lane, int], int]) -> list[tuple[Lane, int]]:
    """Lanes in the order they were served, with the frames of each turn; no time passes."""
    served = []
    for index in range(turns):
        turn = scheduler.take_turn(0.0)
        assert turn is not None
        frames = frames_of(turn.lane, index)
        scheduler.serve(turn, frames, 0.0)
        served.append((turn.lane, frames))
    return served


def sums(served: Sequence[tuple[Lane, int]], key: Callable[[Lane], object]) -> Mapping[object, int]:
    """Frames by `key`."""
    counter = Counter[object]()
    for its, frames in served:
        counter[key(its)] += frames
    return counter


@settings(max_examples=30)
@given(RUN_FRAMES, RUN_FRAMES, RUN_FRAMES, st.integers(1, 4))
def test_backlogged_tiers_share_one_to_three_to_eight_in_frames(
    standard: list[int], priority: list[int], high: list[int], projects: int
) -> None:
    sizes = dict(zip(Tier, (standard, priority, high), strict=True))
    scheduler = backlogged([lane(tier, project) for tier in Tier for project in range(projects)])
    served = serve(scheduler, 2000, lambda its, index: sizes[its.tier][index % len(sizes[its.tier])])
    frames = sums(served, lambda its: its.tier)
    total = sum(frames.values())
    largest = max(map(max, sizes.values()))
    for tier, weight in WEIGHTS.items():
        share = weight / sum(WEIGHTS.values())
        unfinished_round = weight * QUANTUM_FRAMES
        assert abs(frames[tier] - share * total) <= 0.05 * share * total + 2 * largest + unfinished_round


@settings(max_examples=30)
@given(RUN_FRAMES, RUN_FRAMES)
def test_projects_of_a_tier_share_evenly_in_frames(some: list[int], others: list[int]) -> None:
    sizes = {1: some, 2: others}
    scheduler = backlogged([lane(Tier.STANDARD, project) for project in sizes])
    served = serve(scheduler, 1000, lambda its, n: sizes[its.project_id][n % len(sizes[its.project_id])])
    frames = sums(served, lambda its: its.project_id)
    largest = max(some + others)
    assert abs(frames[1] - frames[2]) <= 2 * (largest + QUANTUM_FRAMES)


@given(st.lists(LANE, min_size=1, unique=True), RUN_FRAMES)
def test_nobody_starves(lanes: list[Lane], sizes: list[int]) -> None:
    scheduler = backlogged(lanes)
    turns = len(lanes) * 13 * (max(sizes) + QUANTUM_FRAMES)
    waiting = set(lanes)
    for index in range(turns):
        if not waiting:
            return
        turn = scheduler.take_turn(0.0)
        assert turn is not None
        waiting.discard(turn.lane)
        scheduler.serve(turn, sizes[index % len(sizes)], 0.0)
    assert not waiting


@given(st.dictionaries(LANE, st.lists(st.integers(1, 300), max_size=12)))
def test_it_conserves_work(queues: dict[Lane, list[int]]) -> None:
    scheduler = backlogged(list(queues))
    left = {its: list(frames) for its, frames in queues.items()}
    count = 0
    while (turn := scheduler.take_turn(0.0)) is not None:
        if left[turn.lane]:
            scheduler.serve(turn, left[turn.lane].pop(0), 0.0)
            count += 1
    assert count == sum(map(len, queues.values()))


@given(st.integers(1, 500), st.integers(1, 600))
def test_a_single_job_is_next_however_much_another_project_has(turns: int, frames: int) -> None:
    scheduler = backlogged([lane(Tier.STANDARD, 1)])
    serve(scheduler, turns, lambda *_: frames)
    scheduler.add(lane(Tier.STANDARD, 2), 0.0)
    assert [its.project_id for its, _ in serve(scheduler, 1, lambda *_: frames)] == [2]


def test_an_urgent_job_is_next_while_standard_is_saturated() -> None:
    scheduler = backlogged([lane(Tier.STANDARD, project) for project in range(50)])
    serve(scheduler, 200, lambda *_: 128)
    scheduler.add(lane(Tier.HIGH_PRIORITY, 99), 0.0)
    assert serve(scheduler, 1, lambda *_: 128)[0][0].tier is Tier.HIGH_PRIORITY


def test_coming_and_going_gains_nothing() -> None:
    """A tier whose next run comes just after the last was taken has no more than its share."""
    scheduler, frames = backlogged([lane(Tier.STANDARD)]), Counter[Tier]()
    for _ in range(3000):
        scheduler.add(lane(Tier.HIGH_PRIORITY), 0.0)
        turn = _turn(scheduler, 0.0)
        frames[turn.lane.tier] += 128
        scheduler.serve(turn, 128, 0.0)
        if turn.lane.tier is Tier.HIGH_PRIORITY:
            gone = scheduler.take_turn(0.0)
            if gone is not None and gone.lane.tier is Tier.STANDARD:
                scheduler.give_back(gone)
    assert frames[Tier.STANDARD] * 9 >= 0.95 * frames.total()


def test_a_lane_that_waited_long_is_served_as_the_next_tier() -> None:
    scheduler = backlogged([lane(Tier.STANDARD), lane(Tier.PRIORITY)])
    scheduler.serve(_turn(scheduler, 1.0), 600, AGEING_S)
    turn = _turn(scheduler, AGEING_S)
    assert (turn.lane.tier, turn.served_as) == (Tier.STANDARD, Tier.PRIORITY)


def test_the_highest_tier_has_none_above() -> None:
    turn = _turn(backlogged([lane(Tier.HIGH_PRIORITY)]), 10 * AGEING_S)
    assert turn.served_as is Tier.HIGH_PRIORITY


def test_projects_that_are_held_back_are_passed_over() -> None:
    scheduler = backlogged([lane(Tier.HIGH_PRIORITY, 1), lane(Tier.STANDARD, 2)])
    turn = scheduler.take_turn(0.0, lambda project: project != 1)
    assert turn is not None
    assert turn.lane.project_id == 2
    assert scheduler.take_turn(0.0, lambda project: project != 1) is None
    assert _turn(scheduler, 0.0).lane.project_id == 1


def test_a_turn_that_could_not_be_used_is_kept() -> None:
    scheduler = backlogged([lane(Tier.STANDARD)])
    turn = _turn(scheduler, 5.0)
    assert scheduler.take_turn(5.0) is None
    scheduler.give_back(turn)
    assert _turn(scheduler, 6.0) == turn


@pytest.mark.parametrize("tier", Tier)
def test_an_idle_tier_saves_up_no_more_than_one_round(tier: Tier) -> None:
    others = [other for other in Tier if other is not tier]
    scheduler = backlogged([lane(other) for other in others])
    serve(scheduler, 1000, lambda *_: QUANTUM_FRAMES)
    scheduler.add(lane(tier), 0.0)
    first = serve(scheduler, 60, lambda *_: QUANTUM_FRAMES)
    tiers = [its.tier for its, _ in first]
    for other in others:
        assert other in tiers[: 2 * sum(WEIGHTS.values())]


def _turn(scheduler: Scheduler, now_s: float) -> Turn:
    turn = scheduler.take_turn(now_s)
    assert turn is not None
    return turn

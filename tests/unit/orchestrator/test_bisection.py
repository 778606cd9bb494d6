"""Cutting a run until the frames that cannot be processed are alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    InferenceLostError,
    InferenceRefusedError,
    InferenceUnavailableError,
    KillingFrameError,
    KillingVideoError,
    MareyError,
    ModelContractError,
    StoreError,
    WorkerLostError,
)
from core.video import FrameSpan
from orchestrator.bisection import MOST_CUTS_PER_VIDEO, cut_frame

POISON = WorkerLostError.code


def given_up(
    frames: int, batch_frames: int, poison: set[int], *, is_frame_known: bool = False
) -> tuple[list[FrameSpan], int]:
    """What is left of a run in the end, as ranges without poses, and the number of cuts."""
    batches = [
        FrameSpan(start, min(start + batch_frames, frames)) for start in range(0, frames, batch_frames)
    ]
    pieces, lost, cuts = [batches], list[FrameSpan](), 0
    while pieces:
        piece = pieces.pop(0)
        bad = [n for n, span in enumerate(piece) if poison & set(range(span.start, span.stop))]
        if not bad:
            continue
        open_batches = piece[bad[0] :]
        span = piece[bad[0]]
        blamed = min(poison & set(range(span.start, span.stop))) if is_frame_known else None
        middle = cut_frame(POISON, open_batches, cuts, blamed)
        if middle is None:
            lost.append(FrameSpan(open_batches[0].start, open_batches[-1].stop))
            continue
        cuts += 1
        pieces += _halves(open_batches, middle)
    return lost, cuts


def _halves(batches: list[FrameSpan], middle: int) -> list[list[FrameSpan]]:
    """As the store cuts: the batch across the middle becomes two."""
    left = [FrameSpan(span.start, min(span.stop, middle)) for span in batches if span.start < middle]
    right = [FrameSpan(max(span.start, middle), span.stop) for span in batches if span.stop > middle]
    return [left, right]


@given(frames=st.integers(1, 128), batch_frames=st.integers(1, 40), data=st.data())
def test_few_poison_frames_are_found_one_by_one(frames: int, batch_frames: int, data: st.DataObject) -> None:
    poison = data.draw(st.sets(st.integers(0, frames - 1), max_size=3))
    lost, _ = given_up(frames, batch_frames, poison)
    assert sorted(lost) == [FrameSpan(frame, frame + 1) for frame in sorted(poison)]


@given(frames=st.integers(1, 300), batch_frames=st.integers(1, 64), data=st.data())
def test_a_frame_that_is_known_takes_two_cuts(frames: int, batch_frames: int, data: st.DataObject) -> None:
    poison = data.draw(st.sets(st.integers(0, frames - 1), max_size=MOST_CUTS_PER_VIDEO // 2))
    lost, cuts = given_up(frames, batch_frames, poison, is_frame_known=True)
    assert sorted(lost) == [FrameSpan(frame, frame + 1) for frame in sorted(poison)]
    assert cuts <= 2 * len(poison)


@given(frames=st.integers(1, 300), batch_frames=st.integers(1, 64), data=st.data())
def test_much_poison_costs_a_bounded_number_of_cuts(
    frames: int, batch_frames: int, data: st.DataObject
) -> None:
    poison = data.draw(st.sets(st.integers(0, frames - 1)))
    lost, cuts = given_up(frames, batch_frames, poison)
    assert cuts <= MOST_CUTS_PER_VIDEO
    assert poison <= {frame for span in lost for frame in range(span.start, span.stop)}


@pytest.mark.parametrize(
    ("error", "middle"),
    [
        (WorkerLostError, 4),
        (InferenceRefusedError, 4),
        (KillingFrameError, 4),
        (InferenceLostError, None),
        (KillingVideoError, None),
        (InferenceUnavailableError, None),
        (StoreError, None),
        (ModelContractError, None),
    ],
)
def test_only_what_frames_may_cause_is_cut(error: type[MareyError], middle: int | None) -> None:
    assert cut_frame(error.code, [FrameSpan(0, 4), FrameSpan(4, 8)], 0) == middle


def test_a_single_frame_is_not_cut() -> None:
    assert cut_frame(POISON, [FrameSpan(7, 8)], 0) is None
    assert cut_frame(POISON, [], 0) is None

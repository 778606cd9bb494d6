"""The decision after a failed attempt."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    BusError,
    ClusterNotAllowedError,
    CorruptVideoError,
    InferenceError,
    InferenceLostError,
    InferenceUnavailableError,
    InputError,
    KillingFrameError,
    LeaseLostError,
    MareyError,
    ModelContractError,
    ObjectStoreError,
    StoreError,
    leaves,
)
from core.jobs import TaskKind, TaskStatus, Tier
from orchestrator.bisection import ATTEMPTS_OF_A_PIECE
from orchestrator.retry import (
    FIRST_DELAY_S,
    LONGEST_DELAY_S,
    LONGEST_UNAVAILABLE_DELAY_S,
    UNAVAILABLE_LIMIT_S,
    GiveUp,
    Retry,
    decide,
    lost_lease,
)
from orchestrator.store.tasks import Lease

LEASE = Lease(
    id=1,
    kind=TaskKind.INFER,
    job_id=1,
    video_id=1,
    tier=Tier.STANDARD,
    first_frame=0,
    last_frame=9,
    epoch=1,
    attempts=1,
    max_attempts=5,
    age_s=0.0,
    lease_s=30.0,
)
LAST_ATTEMPT = replace(LEASE, attempts=5)


@pytest.mark.parametrize("error", [leaf for leaf in leaves(InputError) if leaf is not ClusterNotAllowedError])
def test_bad_input_is_final(error: type[MareyError]) -> None:
    decision = decide(error("the sentence"), LEASE, 0.0)
    assert isinstance(decision, GiveUp)
    assert (decision.status, decision.failure.code) == (TaskStatus.DONE, error.code)
    assert decision.failure.message == "the sentence"


@pytest.mark.parametrize("error", [InferenceError("x"), KeyError("x"), MemoryError()])
def test_what_may_pass_is_repeated_until_the_attempts_are_used_up(error: Exception) -> None:
    assert isinstance(decide(error, LEASE, 0.0), Retry)
    last = decide(error, LAST_ATTEMPT, 0.0)
    assert isinstance(last, GiveUp)
    assert last.status is TaskStatus.DEAD


@pytest.mark.parametrize("error", [ModelContractError("x"), LeaseLostError("x"), ClusterNotAllowedError("x")])
def test_what_repeating_does_not_cure_is_set_aside(error: Exception) -> None:
    decision = decide(error, LEASE, 0.0)
    assert isinstance(decision, GiveUp)
    assert decision.status is TaskStatus.DEAD


@pytest.mark.parametrize(
    "away", [InferenceUnavailableError, InferenceLostError, StoreError, BusError, ObjectStoreError]
)
def test_attempts_are_free_while_a_service_is_away_but_not_for_ever(away: type[MareyError]) -> None:
    for age_s in (0.0, 30.0, UNAVAILABLE_LIMIT_S - 1):
        free = decide(away("x"), replace(LAST_ATTEMPT, age_s=age_s), 0.99)
        assert isinstance(free, Retry)
        assert free.refund == 1
        assert free.delay_s <= LONGEST_UNAVAILABLE_DELAY_S
    assert isinstance(decide(away("x"), replace(LAST_ATTEMPT, age_s=UNAVAILABLE_LIMIT_S), 0.0), GiveUp)


@pytest.mark.parametrize("age_s", [0.0, UNAVAILABLE_LIMIT_S])
def test_what_the_end_of_triton_met_is_suspect(age_s: float) -> None:
    lost = decide(InferenceLostError("x"), replace(LEASE, age_s=age_s), 0.0)
    assert isinstance(lost, Retry)
    assert lost.is_suspect
    away = decide(InferenceUnavailableError("x"), replace(LEASE, age_s=age_s), 0.0)
    assert isinstance(away, Retry)
    assert not away.is_suspect


@pytest.mark.parametrize(("max_attempts", "allowed"), [(5, ATTEMPTS_OF_A_PIECE), (1, 1)])
def test_what_ends_triton_alone_is_not_tried_often(max_attempts: int, allowed: int) -> None:
    lease = replace(LEASE, max_attempts=max_attempts)
    for attempts in range(1, allowed):
        again = decide(KillingFrameError("x", 7), replace(lease, attempts=attempts), 0.0)
        assert isinstance(again, Retry)
        assert again.refund == 0
    last = decide(KillingFrameError("x", 7), replace(lease, attempts=allowed), 0.0)
    assert isinstance(last, GiveUp)
    assert (last.status, last.failure.frame_index) == (TaskStatus.DEAD, 7)


def test_details_of_the_unforeseen_stay_in_the_log() -> None:
    decision = decide(KeyError("/secret/path"), LEASE, 0.0)
    assert decision.failure.code == "unforeseen"
    assert "secret" not in decision.failure.message


@given(attempts=st.integers(1, 1000), jitter=st.floats(0, 1, exclude_max=True))
def test_delays_grow_within_bounds(attempts: int, jitter: float) -> None:
    lease = replace(LEASE, attempts=attempts, max_attempts=2000)
    now, later = (
        decide(InferenceError(), replace(lease, attempts=n), jitter) for n in (attempts, attempts + 1)
    )
    assert isinstance(now, Retry)
    assert isinstance(later, Retry)
    assert FIRST_DELAY_S / 2 <= now.delay_s <= later.delay_s <= LONGEST_DELAY_S


def test_a_worker_that_fell_silent_is_named() -> None:
    assert lost_lease(LAST_ATTEMPT).failure.code == "worker_lost"


def test_corrupt_video_keeps_its_code() -> None:
    assert decide(CorruptVideoError("x"), LEASE, 0.5).failure.code == "corrupt_video"

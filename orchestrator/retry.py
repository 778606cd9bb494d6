"""What to do after a failed attempt: pure."""

from dataclasses import dataclass

from core.errors import (
    BusError,
    ClusterNotAllowedError,
    InferenceLostError,
    InferenceUnavailableError,
    InputError,
    KillingFrameError,
    MareyError,
    ObjectStoreError,
    StoreError,
    UnforeseenError,
    WorkerLostError,
)
from core.jobs import TaskStatus
from orchestrator.bisection import ATTEMPTS_OF_A_PIECE
from orchestrator.store.tasks import Failure, Lease

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0
UNAVAILABLE_LIMIT_S = 3600.0
"""So long may a service be away without using up a task's attempts."""
LONGEST_UNAVAILABLE_DELAY_S = 8.0
"""Work goes on this soon after the service is back."""
_UNAVAILABLE = (InferenceUnavailableError, InferenceLostError, StoreError, BusError, ObjectStoreError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again later."""

    failure: Failure
    delay_s: float
    refund: int
    """Attempts that do not count."""
    is_suspect: bool = False
    """It may have ended Triton, so it is tried alone from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """Do not try again."""

    failure: Failure
    status: TaskStatus
    """`DONE` if the input is to blame, else `DEAD`: it may be worth another look."""


def decide(error: Exception, lease: Lease, jitter: float) -> Retry | GiveUp:
    """Judge the error of an attempt. `jitter` in [0, 1) spreads the retries of many tasks.

    Bad input is final. An error that repeating may cure, and one that nobody foresaw, is retried until the
    attempts are used up; while a service is away or a disk is full, attempts are free for an hour. So is one
    that Triton's end met among others; the next ones are made alone, and few of them, because each may cost
    everybody a restart. A cluster that is not allowed is a setting, which a person can mend.
    """
    known = error if isinstance(error, MareyError) else _unforeseen(error)
    failure, is_suspect = describe(known), isinstance(known, InferenceLostError)
    if isinstance(known, ClusterNotAllowedError):
        return GiveUp(failure=failure, status=TaskStatus.DEAD)
    if isinstance(known, InputError):
        return GiveUp(failure=failure, status=TaskStatus.DONE)
    if isinstance(known, _UNAVAILABLE) and lease.age_s < UNAVAILABLE_LIMIT_S:
        delay_s = min(LONGEST_UNAVAILABLE_DELAY_S, max(FIRST_DELAY_S, lease.age_s / 4))
        return Retry(failure=failure, delay_s=_spread(delay_s, jitter), refund=1, is_suspect=is_suspect)
    if not known.retryable or lease.attempts >= _attempts_allowed(known, lease):
        return GiveUp(failure=failure, status=TaskStatus.DEAD)
    delay_s = _delay_s(lease.attempts, jitter)
    return Retry(failure=failure, delay_s=delay_s, refund=0, is_suspect=is_suspect)


def describe(error: MareyError) -> Failure:
    """The error as its user sees it."""
    frame_index = error.frame_index if isinstance(error, KillingFrameError) else None
    return Failure(code=error.code, message=str(error), frame_index=frame_index)


def lost_lease(lease: Lease) -> GiveUp:
    """A task whose worker fell silent in the last attempt that it may have."""
    error = WorkerLostError(f"expected an answer within {lease.max_attempts} attempts, got silent workers")
    return GiveUp(failure=describe(error), status=TaskStatus.DEAD)


def _attempts_allowed(error: MareyError, lease: Lease) -> int:
    is_killing = isinstance(error, KillingFrameError)
    return min(ATTEMPTS_OF_A_PIECE, lease.max_attempts) if is_killing else lease.max_attempts


def _unforeseen(error: Exception) -> UnforeseenError:
    """Without details, which belong into the log."""
    return UnforeseenError(f"an unforeseen {type(error).__name__}; the log says more")


def _delay_s(attempts: int, jitter: float) -> float:
    """Doubles with each attempt."""
    return _spread(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** max(0, attempts - 1)), jitter)


def _spread(delay_s: float, jitter: float) -> float:
    """The last half of it is spread."""
    return delay_s * (0.5 + 0.5 * jitter)

"""Which requests are sent again, and when."""

from __future__ import annotations

from dataclasses import dataclass

from marey.errors import CannotConnectError, ConnectionLostError, MareyApiError, MareyError
from marey.requests import Request

_BUSY = frozenset({502, 503, 504})
_TURNED_AWAY = frozenset({"rate_limited", "quota_exceeded", "not_ready", "storage_full"})
"""Codes of a server that has done nothing yet: any request may come again."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which pauses, a request that may be repeated is sent again."""

    attempts: int = 5
    first_pause_s: float = 0.2
    longest_pause_s: float = 2.0
    patience_s: float = 60.0
    """Longest pause that a server may ask for; a longer one is the caller's to decide."""

    def pauses_s(self) -> list[float]:
        """The pause after each attempt but the last: doubling, bounded."""
        return [min(self.first_pause_s * 2**n, self.longest_pause_s) for n in range(self.attempts - 1)]

    def pause_s(self, planned_s: float, error: MareyError, jitter: float) -> float | None:
        """The planned pause or the one that the server asked for, and up to a quarter more (`jitter` in
        [0, 1)), so that not all come back at once; None if that is too long to wait."""
        asked_s = (error.problem.retry_after_s if isinstance(error, MareyApiError) else None) or 0.0
        if asked_s > self.patience_s:
            return None
        return max(planned_s, asked_s) * (1 + jitter / 4)


def may_repeat(request: Request, error: MareyError) -> bool:
    """Whether sending again is safe and of use: the server did nothing, or doing it twice does no harm."""
    if isinstance(error, CannotConnectError):
        return True
    is_safe = request.repeatable or request.method == "GET"
    if isinstance(error, MareyApiError):
        return error.code in _TURNED_AWAY or (is_safe and error.status in _BUSY)
    return is_safe and isinstance(error, ConnectionLostError)

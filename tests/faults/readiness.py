"""What GET /health/ready says while a cluster is hurt, asked ten times a second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.services.waiting import until

NOTICED_S = 5.0
"""So soon the API calls itself not ready."""
_INTERVAL_S = 0.1
_ANSWER_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One question. An API that does not answer is not ready."""

    asked_s: float
    answered_s: float
    is_ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """What was seen of a fault."""

    looks: int
    not_ready: int
    first_s: float | None
    """From the fault's begin to the first look that was not ready."""
    ready_again_s: float
    """From the fault's end to the first look that was ready."""

    def __str__(self) -> str:
        first = "" if self.first_s is None else f", first after {self.first_s:.1f} s"
        return (
            f"not ready in {self.not_ready} of {self.looks} looks{first}, "
            f"ready {self.ready_again_s:.1f} s after the end"
        )


@dataclass
class Readiness:
    """The looks so far."""

    url: str
    looks: list[Look] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look all the time, beside the block."""
        watcher = threading.Thread(target=self._watch, name="readiness")
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            watcher.join()

    def until_ready(self, since_s: float, timeout_s: float) -> float:
        """Wait for a ready answer to a question after `since_s`; returns how long after it came."""
        return self._until(lambda look: look.is_ready and look.asked_s >= since_s, since_s, timeout_s)

    def until_noticed(self, since_s: float) -> None:
        """What is hurt since `since_s` must be noticed in time."""
        self._until(lambda look: not look.is_ready and look.answered_s >= since_s, since_s, NOTICED_S)

    def noticed(self, began_s: float, over_s: float, timeout_s: float) -> Noticed:
        """Once the API is ready again after a fault, what was seen since it began."""
        ready_again_s = self.until_ready(over_s, timeout_s)
        looks = [look for look in self.looks if look.answered_s >= began_s]
        not_ready = [look.answered_s - began_s for look in looks if not look.is_ready]
        return Noticed(
            looks=len(looks),
            not_ready=len(not_ready),
            first_s=min(not_ready, default=None),
            ready_again_s=ready_again_s,
        )

    def _until(self, is_meant: Callable[[Look], bool], since_s: float, timeout_s: float) -> float:
        def found() -> Look | None:
            return next(filter(is_meant, list(self.looks)), None)

        until(found, max(0.0, since_s + timeout_s - time.monotonic()), "readiness")
        look = found()
        assert look is not None
        after_s = look.answered_s - since_s
        assert after_s <= timeout_s, f"only after {after_s:.1f} s"
        return after_s

    def _watch(self) -> None:
        with httpx.Client(timeout=_ANSWER_TIMEOUT_S, trust_env=False) as client:
            while not self._over.wait(_INTERVAL_S):
                self.looks.append(self._look(client))

    def _look(self, client: httpx.Client) -> Look:
        asked_s = time.monotonic()
        try:
            is_ready = client.get(self.url).status_code == httpx.codes.OK
        except httpx.TransportError:
            is_ready = False
        return Look(asked_s=asked_s, answered_s=time.monotonic(), is_ready=is_ready)

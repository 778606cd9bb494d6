"""Whether the services behind the API answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from core.errors import MareyError

HANDSHAKE_S = 2.5
"""A service that computes nothing answers by then, or hangs."""
T = TypeVar("T")
Check = Callable[[], Awaitable[object]]
"""Raises MareyError if its service does not do its work."""


class Readiness:
    """Runs one check per service.

    A good report is good for `fresh_s` seconds, a bad one for those who asked before it was begun: many who
    ask while a service hangs wait for two reports at most.
    """

    def __init__(self, checks: Mapping[str, Check], timeout_s: float = 10.0, fresh_s: float = 2.0) -> None:
        self._checks = checks
        self._timeout_s = timeout_s
        self._fresh_s = fresh_s
        self._lock = asyncio.Lock()
        self._report: dict[str, str] = {}
        self._begun_s = 0.0
        self._valid_until_s = 0.0

    async def report(self) -> dict[str, str]:
        """`ok`, or the code of what is wrong, by service."""
        asked_s = time.monotonic()
        async with self._lock:
            if self._begun_s <= asked_s and time.monotonic() >= self._valid_until_s:
                self._begun_s = time.monotonic()
                states = await asyncio.gather(*(self._state(check) for check in self._checks.values()))
                self._report = dict(zip(self._checks, states, strict=True))
                fresh_s = self._fresh_s if set(states) <= {"ok"} else 0.0
                self._valid_until_s = time.monotonic() + fresh_s
            return self._report

    async def _state(self, check: Check) -> str:
        try:
            await within(self._timeout_s, check())
        except TimeoutError:
            return "timeout"
        except MareyError as error:
            return error.code
        return "ok"


async def within(timeout_s: float, work: Awaitable[T]) -> T:
    """What `work` returns; TimeoutError if that takes longer.

    Work that is late is cancelled but not waited for: a driver may take half a minute to give up on a server
    that hangs.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=timeout_s)
        if not done:
            raise TimeoutError
        return task.result()
    finally:
        task.add_done_callback(_look_away)
        task.cancel()


def _look_away(task: asyncio.Future[T]) -> None:
    """Nobody waits for the error of work that was late; asyncio wants it looked at."""
    if not task.cancelled():
        task.exception()

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

    That a service works is good to know for `fresh_s` seconds, that it does not for those who asked before it
    was tried: many who ask while one hangs wait for two checks at most.
    """

    def __init__(self, checks: Mapping[str, Check], timeout_s: float = 10.0, fresh_s: float = 2.0) -> None:
        self._services = {name: _Checked(check, timeout_s, fresh_s) for name, check in checks.items()}

    async def report(self) -> dict[str, str]:
        """`ok`, or the code of what is wrong, by service."""
        states = await asyncio.gather(*(service.state() for service in self._services.values()))
        return dict(zip(self._services, states, strict=True))


class _Checked:
    """One service, with an age of its own: a check that takes long makes the others' answers no younger."""

    def __init__(self, check: Check, timeout_s: float, fresh_s: float) -> None:
        self._check = check
        self._timeout_s = timeout_s
        self._fresh_s = fresh_s
        self._lock = asyncio.Lock()
        self._state = ""
        self._begun_s = 0.0
        self._valid_until_s = 0.0

    async def state(self) -> str:
        """`ok` or a code, not older than promised."""
        asked_s = time.monotonic()
        async with self._lock:
            if self._begun_s <= asked_s and time.monotonic() >= self._valid_until_s:
                self._begun_s = time.monotonic()
                self._state = await self._checked()
                self._valid_until_s = time.monotonic() + (self._fresh_s if self._state == "ok" else 0.0)
            return self._state

    async def _checked(self) -> str:
        try:
            await within(self._timeout_s, self._check())
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

"""Whether the services behind the API answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from core.errors import MareyError

Check = Callable[[], Awaitable[object]]
"""Raises MareyError if its service does not do its work."""


class Readiness:
    """Runs one check per service; a good report is good for `fresh_s` seconds, a bad one is made anew."""

    def __init__(self, checks: Mapping[str, Check], timeout_s: float = 10.0, fresh_s: float = 5.0) -> None:
        self._checks = checks
        self._timeout_s = timeout_s
        self._fresh_s = fresh_s
        self._lock = asyncio.Lock()
        self._report: dict[str, str] = {}
        self._valid_until_s = 0.0

    async def report(self) -> dict[str, str]:
        """`ok`, or the code of what is wrong, by service."""
        async with self._lock:
            if time.monotonic() >= self._valid_until_s:
                states = await asyncio.gather(*(self._state(check) for check in self._checks.values()))
                self._report = dict(zip(self._checks, states, strict=True))
                fresh_s = self._fresh_s if set(states) <= {"ok"} else 0.0
                self._valid_until_s = time.monotonic() + fresh_s
            return self._report

    async def _state(self, check: Check) -> str:
        try:
            async with asyncio.timeout(self._timeout_s):
                await check()
        except TimeoutError:
            return "timeout"
        except MareyError as error:
            return error.code
        return "ok"

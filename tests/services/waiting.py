"""Helpers: wait for what comes true in its own time. Every wait has a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

TIMEOUT_S = 20.0
POLL_S = 0.05
STATE_POLL_S = 0.02
"""Quicker: in one event loop, what is waited for may last only a moment."""


def until(condition: Callable[[], object], timeout_s: float = TIMEOUT_S, context: object = "") -> None:
    """Wait for `condition`; fails after `timeout_s` with what `context` says by then."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s; {context}"
        time.sleep(POLL_S)


async def eventually(
    condition: Callable[[], object | Awaitable[object]], timeout_s: float = TIMEOUT_S
) -> None:
    """The same beside other tasks of the event loop."""
    deadline_s = time.monotonic() + timeout_s
    while not (await met if inspect.isawaitable(met := condition()) else met):
        assert time.monotonic() < deadline_s, f"waited {timeout_s} s"
        await asyncio.sleep(STATE_POLL_S)

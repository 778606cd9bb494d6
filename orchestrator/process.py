"""The life of a process: it says when it is ready, and ends in good order when asked to."""

import asyncio
import ctypes
import signal
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_M_ARENA_MAX = -8
"""mallopt(3)"""
_HEAPS = 2


def run_until_signal(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` with an event that SIGINT and SIGTERM set."""
    share_heaps()

    async def guarded() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    asyncio.run(guarded())


async def unless_stopped(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What `work` returns; None if the stop came first, which breaks it off."""
    working = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)


def share_heaps() -> None:
    """Let all threads allocate from two heaps, where the C library has such a choice.

    It gives each new thread one of its own, up to 8 per core, and the decoders of each run come with new
    threads: memory would grow until every heap has held a decoder's pictures (bench/README.md).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)


def mark_ready(ready_file: Path | None) -> None:
    """Tell whoever started the process that it works."""
    if ready_file is not None:
        ready_file.touch()

"""The life of a process: it says when it is ready, and ends in good order when asked to."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path


def run_until_signal(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` with an event that SIGINT and SIGTERM set."""

    async def guarded() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await main(stop)

    asyncio.run(guarded())


def mark_ready(ready_file: Path | None) -> None:
    """Tell whoever started the process that it works."""
    if ready_file is not None:
        ready_file.touch()

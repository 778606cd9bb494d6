"""Runs one of the orchestrator's processes as a program."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from deploy.logs import configure_logging
from orchestrator.settings import Settings

Main = Callable[[Settings, asyncio.Event, Callable[[], None]], Coroutine[None, None, None]]
"""Works until the event is set; calls the function once it is ready."""


def run_process(main: Main, environment: Mapping[str, str]) -> None:
    """Run `main` until SIGINT or SIGTERM, with the settings that `environment` gives.

    A supervisor that sets MAREY_READY_FILE finds that file once the process is ready.
    """
    configure_logging()
    settings = Settings.from_environment(environment)
    asyncio.run(_until_signalled(main, settings, _announcer(environment.get("MAREY_READY_FILE"))))


async def _until_signalled(main: Main, settings: Settings, ready: Callable[[], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await main(settings, stop, ready)


def _announcer(ready_file: str | None) -> Callable[[], None]:
    return Path(ready_file).touch if ready_file else lambda: None

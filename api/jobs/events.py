"""Server-sent events of a job."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.jobs.schemas import JobEvent
from core.errors import NotReadyError
from core.jobs import JobStatus

LOOK_INTERVAL_S = 0.5
_QUIET_S = 15.0
"""A comment is sent after so long without an event: proxies close silent connections."""


async def job_looks(
    look: Callable[[], Awaitable[JobEvent]], stopping: asyncio.Event
) -> AsyncGenerator[JobEvent | None, None]:
    """The job now and after each change, None after a look that saw nothing new; until the job has ended.

    Raises NotReadyError when the server stops before.
    """
    seen: JobEvent | None = None
    while not stopping.is_set():
        event = await look()
        yield None if event == seen else event
        seen = event
        if JobStatus(event.job.status).is_final:
            return
        await pause(stopping)
    raise NotReadyError


async def job_events(
    look: Callable[[], Awaitable[JobEvent]], stopping: asyncio.Event
) -> AsyncIterator[ServerSentEventMessage]:
    """An event `job` now and after each change, until the job has ended or the server stops.

    A client that was cut off connects again and gets the state as it is then.
    """
    spoke_s = time.monotonic()
    with suppress(NotReadyError):
        async for event in job_looks(look, stopping):
            if event is not None:
                spoke_s = time.monotonic()
                yield ServerSentEventMessage(event="job", data=msgspec.json.encode(event).decode())
            elif time.monotonic() - spoke_s > _QUIET_S:
                spoke_s = time.monotonic()
                yield ServerSentEventMessage(comment="nothing new", data=None)


async def pause(stopping: asyncio.Event, wait_s: float = LOOK_INTERVAL_S) -> None:
    """Wait for the next look, or for the server's stop."""
    try:
        async with asyncio.timeout(wait_s):
            await stopping.wait()
    except TimeoutError:
        return

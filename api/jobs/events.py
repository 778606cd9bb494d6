"""Server-sent events of a job."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
from litestar.response.sse import ServerSentEventMessage

from api.jobs.schemas import JobEvent
from core.jobs import JobStatus

LOOK_INTERVAL_S = 0.5
_QUIET_S = 15.0
"""A comment is sent after so long without an event: proxies close silent connections."""


async def job_events(
    look: Callable[[], Awaitable[JobEvent]], stopping: asyncio.Event
) -> AsyncIterator[ServerSentEventMessage]:
    """An event `job` now and after each change, until the job has ended or the server stops.

    A client that was cut off connects again and gets the state as it is then.
    """
    seen: JobEvent | None = None
    spoke_s = time.monotonic()
    while not stopping.is_set():
        event = await look()
        if event != seen:
            seen, spoke_s = event, time.monotonic()
            yield ServerSentEventMessage(event="job", data=msgspec.json.encode(event).decode())
        elif time.monotonic() - spoke_s > _QUIET_S:
            spoke_s = time.monotonic()
            yield ServerSentEventMessage(comment="nothing new", data=None)
        if JobStatus(event.job.status).is_final:
            return
        await _pause(stopping)


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_INTERVAL_S):
            await stopping.wait()
    except TimeoutError:
        return

"""Helpers: leases taken by hand, and what must hold once a job has ended."""

from collections.abc import Sequence

import asyncpg

from orchestrator.store.flow import VideoSource
from orchestrator.store.tasks import Lease, ReadyTask, Sent, Windows
from tests.services.orchestrator import System

WINDOWS = Windows(runs=8, steps=8)


async def sent_task(system: System, windows: Windows = WINDOWS) -> ReadyTask:
    """The one task that is ready, or fits into `windows`, marked as sent without a message."""
    seen: list[ReadyTask] = []

    async def send(tasks: Sequence[ReadyTask]) -> Sent:
        seen.extend(tasks)
        return Sent(stored=[task.id for task in tasks], duplicate=[])

    assert len(await system.store.tasks.send_ready(windows, send)) == 1
    return seen[0]


async def leased(system: System, worker: str = "a", lease_s: float = 30) -> Lease:
    """A lease of the one task that is ready."""
    task = await sent_task(system)
    lease = await system.store.tasks.lease(task.id, task.epoch, worker, lease_s)
    assert lease is not None
    return lease


async def tasks_by_status(system: System) -> dict[str, int]:
    """Number of tasks per status."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        rows = await connection.fetch("SELECT status, count(*) FROM task GROUP BY status")
    finally:
        await connection.close()
    return {row["status"]: row["count"] for row in rows}


async def assert_consistent(system: System, video_id: int) -> None:
    """Rows, counters and objects agree, and no task is left."""
    source: VideoSource = await system.store.flow.video_source(video_id)
    batches = await system.store.flow.pose_files(video_id)
    frames = [frame for batch in batches for frame in range(batch.start_frame, batch.stop_frame)]
    assert frames == list(range(source.frames_total))
    stored = [key for key in system.objects.keys(source.results_path) if "/poses/" in key]
    assert stored == sorted(batch.results_path for batch in batches)
    assert set(await tasks_by_status(system)) == {"done"}

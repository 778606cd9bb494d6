"""Helpers: projects with work that waits, and workers that note whose turn it was."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

from core.jobs import TaskKind, Tier
from core.video import FrameSpan
from orchestrator.intake import Intake
from orchestrator.lanes import Queue, Scope
from orchestrator.metrics import Metrics
from orchestrator.relay import Relay
from orchestrator.runner import Runner, RunnerOptions
from orchestrator.store import JobRequest, Tenant
from orchestrator.store.flow import BatchResult, PackageEntry, RunRows
from orchestrator.store.tasks import Lease
from orchestrator.waiting import Wake
from tests.services.orchestrator import System
from tests.services.waiting import eventually

BATCH_FRAMES = 32
EVERY_RUN = Scope(queue=Queue.RUNS)


async def make_project(system: System, name: str, tier: Tier) -> Tenant:
    """A project of its own group and user."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        project_id = await connection.fetchval(
            "INSERT INTO project (project_name, project_queue) VALUES ($1, $2) RETURNING id", name, tier
        )
        user_id = await connection.fetchval(
            """WITH made AS (
                   INSERT INTO user_group (project_id, pipeline_parameter_set_id, user_group_name)
                   SELECT $1, id, $2 FROM pipeline_parameter_set RETURNING id
               )
               INSERT INTO "user" (user_name, user_email, group_id)
               SELECT $2, $2, id FROM made RETURNING id""",
            project_id,
            name,
        )
    finally:
        await connection.close()
    return Tenant(project_id=project_id, user_id=user_id, is_admin=False)


async def add_runs(system: System, project: Tenant, runs: int, frames: int = BATCH_FRAMES) -> int:
    """A job of one video that is cut into runs of one frame batch; returns the job's id."""
    request = JobRequest(pipeline_name="pose_2d", input_key="none")
    job_id = await system.store.jobs.create(project, request)
    entry = PackageEntry(name="v.mp4", key="none")
    await system.store.flow.commit_package(await _lease(system, job_id, TaskKind.INITIALIZE), [entry])
    spans = [FrameSpan(number * frames, (number + 1) * frames) for number in range(runs)]
    rows = [RunRows(span=span, batches=(span,)) for span in spans]
    await system.store.flow.commit_runs(await _lease(system, job_id, TaskKind.SUBMIT), rows)
    return job_id


async def _lease(system: System, job_id: int, kind: TaskKind) -> Lease:
    query = "SELECT id FROM task WHERE job_id = $1 AND kind = $2"
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        task_id = await connection.fetchval(query, job_id, kind)
    finally:
        await connection.close()
    lease = await system.store.tasks.lease(task_id, 0, "test", 30)
    assert lease is not None
    return lease


@dataclass
class Turns:
    """A step that notes the runs in the order they come, and works on as many as it may."""

    system: System
    begun: list[Lease] = field(default_factory=list)
    under_way: list[Lease] = field(default_factory=list)
    _permits: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def run(self, lease: Lease) -> None:
        """Commit the run's frame batches without looking at frames."""
        self.begun.append(lease)
        self.under_way.append(lease)
        await self._permits.acquire()
        flow = self.system.store.flow
        for batch in await flow.open_batches(lease.id):
            frames = batch.stop_frame - batch.start_frame
            result = BatchResult(batch_id=batch.id, frames_decoded=frames, people=0)
            await flow.commit_batches(lease, str(batch.id), [result])
        await flow.commit_run(lease)
        self.under_way.remove(lease)

    async def work(self, runs: int) -> None:
        """Let so many runs end; return when as many others have begun."""
        due = len(self.begun) + runs
        self.permit(runs)
        await self.has_begun(due)

    def permit(self, runs: int) -> None:
        """Let so many runs end, of those that have begun or will."""
        for _ in range(runs):
            self._permits.release()

    async def has_begun(self, runs: int) -> None:
        """Return when so many runs have begun."""

        async def begun() -> bool:
            return len(self.begun) >= runs

        await eventually(begun)

    def jobs(self) -> list[int]:
        """The job of each run, in the order they began."""
        return [lease.job_id for lease in self.begun]

    def jobs_under_way(self) -> list[int]:
        """The job of each run that has not ended."""
        return [lease.job_id for lease in self.under_way]


@asynccontextmanager
async def relaying(system: System) -> AsyncIterator[None]:
    """A relay."""
    stop = asyncio.Event()
    await system.bus.provision()
    async with asyncio.TaskGroup() as group:
        relay = Relay(system.store, system.bus, system.settings.queue, system.settings.lease, Metrics())
        group.create_task(relay.run(Wake(stop)))
        try:
            yield
        finally:
            stop.set()


@asynccontextmanager
async def worker(
    system: System, slots: int = 1, scope: Scope = EVERY_RUN, look_interval_s: float = 0
) -> AsyncIterator[Turns]:
    """A worker. It looks for lanes at each turn, so that no order of what a test sees depends on the
    machine's pace."""
    turns, stop = Turns(system), asyncio.Event()
    intake = Intake(system.store.tasks, system.bus, scope, look_interval_s)
    options = RunnerOptions(worker="w", slots=slots, lease=system.settings.lease)
    runner = Runner(system.store, intake, {TaskKind.INFER: turns}, options, Metrics())
    task = asyncio.create_task(runner.run(Wake(stop)))
    try:
        yield turns
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_sent(system: System, *job_ids: int, runs: int = 1) -> None:
    """Return when so many runs of each job are in JetStream."""
    query = """SELECT count(*) FROM (
                   SELECT FROM task WHERE job_id = ANY($1::bigint[]) AND kind = 'infer' AND status <> 'ready'
                   GROUP BY job_id HAVING count(*) >= $2) AS job"""

    async def sent() -> bool:
        connection = await asyncpg.connect(system.settings.database_url)
        try:
            return bool(await connection.fetchval(query, job_ids, runs) == len(job_ids))
        finally:
            await connection.close()

    await eventually(sent)

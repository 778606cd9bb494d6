"""Levers on real Postgres and NATS, changed while workers are at it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from core.errors import InvalidParameterError, NotFoundError
from core.jobs import JobStatus, Tier
from orchestrator.lanes import Queue, Scope
from orchestrator.service import serve_orchestrator, work_on_runs
from orchestrator.store import JobRequest, Tenant
from tests.media import Clip, write_clip
from tests.services.backlogs import add_runs, make_project, relaying, until_sent, worker
from tests.services.leases import leased
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses
from tests.services.waiting import eventually

INPUT_KEY = "uploads/own.zip"


async def count(system: System, query: str) -> int:
    """The number that a query returns."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        return int(await connection.fetchval(query))
    finally:
        await connection.close()


@pytest.fixture
async def project(system: System) -> Tenant:
    """A project named `lab`."""
    return await make_project(system, "lab", Tier.STANDARD)


async def test_levers_are_kept_until_they_are_changed(system: System, project: Tenant) -> None:
    levers = system.store.levers
    await levers.change("lab", {"partitions": 4, "lease_s": 60})
    await levers.change("lab", {"partitions": None, "max_attempts": 2})
    assert {one.name: one.levers for one in await levers.all()} == {
        "default": {},
        "lab": {"lease_s": 60, "max_attempts": 2},
    }
    with pytest.raises(NotFoundError, match="no project 'lob'"):
        await levers.change("lob", {})
    with pytest.raises(InvalidParameterError, match="partitions"):
        await levers.change("lab", {"partitions": 0})


async def test_new_jobs_are_cut_as_the_levers_say(system: System, project: Tenant) -> None:
    await system.store.levers.change("lab", {"frame_batch_frames": 8, "batches_per_run": 2})
    request = JobRequest(pipeline_name="pose_2d", input_key="k", parameters={"batches_per_run": 3})
    job = await system.store.jobs.job(project, await system.store.jobs.create(project, request))
    assert (job.parameters["frame_batch_frames"], job.parameters["batches_per_run"]) == (8, 3)


async def test_attempts_and_lease_follow_the_levers(system: System, project: Tenant) -> None:
    await system.store.levers.change("lab", {"max_attempts": 2, "lease_s": 500})
    await system.store.jobs.create(project, JobRequest(pipeline_name="pose_2d", input_key="k"))
    lease = await leased(system, lease_s=1)
    assert (lease.max_attempts, lease.lease_s) == (2, 500)
    left = "SELECT extract(epoch FROM lease_until - now()) FROM task"
    assert await count(system, left) > 400
    await system.store.tasks.renew(lease)
    assert await count(system, left) > 400


async def test_runs_in_flight_of_a_worker_follow_the_lever(system: System, project: Tenant) -> None:
    await system.store.levers.change("lab", {"runs_in_flight": 1})
    other = await make_project(system, "other", Tier.STANDARD)
    await add_runs(system, project, runs=50)
    async with relaying(system), worker(system, slots=3) as turns:
        await turns.has_begun(1)
        second = await add_runs(system, other, runs=50)
        await turns.has_begun(3)
        for _ in range(10):
            await turns.work(1)
            assert turns.jobs_under_way().count(second) == 2
        await system.store.levers.change("lab", {"runs_in_flight": 2})
        await system.store.levers.change("other", {"runs_in_flight": 1})
        await turns.work(6)
        assert turns.jobs_under_way().count(second) == 1


async def test_partitions_bound_what_is_under_way(system: System, project: Tenant) -> None:
    await system.store.levers.change("lab", {"partitions": 2})
    await add_runs(system, project, runs=30)
    under_way = "SELECT count(*) FROM task WHERE kind = 'infer' AND status IN ('sent', 'leased')"
    async with relaying(system), worker(system, slots=4) as first, worker(system, slots=4) as second:
        for done in range(1, 6):
            await until_begun(first.begun, second.begun, done + 1)
            assert await count(system, under_way) <= 2
            (first if first.under_way else second).permit(1)
        await system.store.levers.change("lab", {"partitions": 5})
        await until_begun(first.under_way, second.under_way, 5)
    assert len(first.under_way) + len(second.under_way) == 5


async def until_begun(first: list, second: list, runs: int) -> None:
    """Return when both lists together have so many entries."""

    async def begun() -> bool:
        return len(first) + len(second) >= runs

    await eventually(begun)


async def test_a_dedicated_worker_takes_only_its_own(system: System, project: Tenant) -> None:
    other = await make_project(system, "other", Tier.HIGH_PRIORITY)
    foreign = await add_runs(system, other, runs=10)
    own = await add_runs(system, project, runs=10)
    scope = Scope(queue=Queue.RUNS, tier=Tier.STANDARD, project_id=project.project_id)
    async with relaying(system), worker(system, slots=2, scope=scope) as turns:
        await until_sent(system, foreign, own)
        await turns.has_begun(2)
        turns.permit(10)
        await until_ended(system, own)
    assert turns.jobs() == [own] * 10


async def test_a_whole_job_by_a_dedicated_worker(system: System, project: Tenant, tmp_path: Path) -> None:
    package = zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=20))})
    foreign = await system.submit(package, {"overlay": "off"})
    request = JobRequest(pipeline_name="pose_2d", input_key=INPUT_KEY, parameters={"overlay": "off"})
    system.objects.put(INPUT_KEY, await asyncio.to_thread(package.read_bytes))
    own = await system.store.jobs.create(project, request)
    settings = replace(system.settings, only_project="lab", only_tier=Tier.STANDARD)

    async def done() -> bool:
        return (await system.store.jobs.job(project, own)).status is JobStatus.COMPLETED

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_orchestrator(settings, stop))
        group.create_task(work_on_runs(settings, KnownPoses(), stop))
        await eventually(done)
        await until_sent(system, foreign)
        stop.set()
    assert (await system.store.job(foreign)).status is JobStatus.RUNNING
    assert await count(system, "SELECT max(attempts) FROM task WHERE project_id = 1 AND kind = 'infer'") == 0


async def test_a_dedicated_worker_needs_a_project_that_there_is(system: System, project: Tenant) -> None:
    settings = replace(system.settings, only_project="lob")
    with pytest.raises(NotFoundError, match="expected a project among default, lab, got 'lob'"):
        await work_on_runs(settings, KnownPoses(), asyncio.Event())


async def test_a_project_may_keep_to_its_dedicated_workers(system: System, project: Tenant) -> None:
    await system.store.levers.change("lab", {"dedicated": True})
    other = await make_project(system, "other", Tier.STANDARD)
    own, foreign = await add_runs(system, project, runs=4), await add_runs(system, other, runs=4)
    async with relaying(system), worker(system, slots=3) as shared:
        await until_sent(system, own, foreign)
        shared.permit(4)
        await until_ended(system, foreign)
        assert own not in shared.jobs()
        await system.store.levers.change("lab", {"dedicated": False})
        shared.permit(4)
        await until_ended(system, own)


async def until_ended(system: System, job_id: int) -> None:
    """Return when every run of the job is over."""
    query = f"SELECT count(*) FROM task WHERE job_id = {job_id} AND kind = 'infer' AND status <> 'done'"

    async def ended() -> bool:
        return await count(system, query) == 0

    await eventually(ended)

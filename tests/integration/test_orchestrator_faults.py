"""What the orchestrator promises when messages are doubled, leases lost or streams deleted."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import nats
import pytest

from core.errors import InferenceError, InferenceUnavailableError, LeaseLostError, NotFoundError, StoreError
from core.jobs import JobStatus, TaskKind, TaskStatus, VideoStatus
from core.networks import Networks
from core.poses import PoseBatch
from orchestrator.bus import STREAM
from orchestrator.frame_requests import VideoRun
from orchestrator.lanes import Lane
from orchestrator.messages import TaskMessage
from orchestrator.metrics import Metrics
from orchestrator.objects import LocalObjectStore
from orchestrator.pose_files import pose_key
from orchestrator.reconciler import Reconciler
from orchestrator.stages.infer import InferStep
from orchestrator.store.flow import BatchResult, OpenBatch, PackageEntry
from orchestrator.store.tasks import Failure, Lease
from tests.media import Clip, write_clip
from tests.services.leases import assert_consistent, leased, sent_task, tasks_by_status
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses, OneTriton
from tests.services.waiting import eventually

LONGER_THAN_RETRIES_S = 2.5
SMALL_RUNS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One video of 60 frames, a keyframe every 10."""
    return zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=60))})


class FirstRunBreaks(KnownPoses):
    """Fails each attempt at the frames from 0 on."""

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """Known poses of every other run."""
        if run.span.start == 0:
            raise InferenceError("the model returned NaN")
        async for batch in super().infer_run(run, networks):
            yield batch


@dataclass
class AwayPoses(KnownPoses):
    """Cannot be asked for anything while it is away."""

    is_away: bool = True

    async def networks(self) -> Networks:
        """As KnownPoses."""
        if self.is_away:
            raise InferenceUnavailableError("connection refused")
        return await super().networks()


async def test_a_message_gives_one_lease(system: System, package: Path) -> None:
    await system.submit(package)
    task = await sent_task(system)
    tasks = system.store.tasks
    leases = await asyncio.gather(*(tasks.lease(task.id, task.epoch, f"w{i}", 30) for i in range(8)))
    held = [lease for lease in leases if lease is not None]
    assert len(held) == 1
    assert held[0].attempts == 1


async def test_an_outdated_holder_commits_nothing(system: System, package: Path) -> None:
    job_id = await system.submit(package)
    zombie = await leased(system, "zombie", lease_s=0)
    assert await system.store.repair.expire_leases() == 1
    heir = await leased(system, "heir")
    entries = [PackageEntry(name="v.mp4", key="jobs/1/sources/0000.mp4")]
    with pytest.raises(LeaseLostError):
        await system.store.flow.commit_package(zombie, entries)
    with pytest.raises(LeaseLostError):
        await system.store.tasks.renew(zombie)
    with pytest.raises(LeaseLostError):
        await system.store.flow.fail(zombie, Failure(code="x", message="y"), TaskStatus.DEAD)
    assert await system.store.videos(job_id) == []
    await system.store.flow.commit_package(heir, entries)
    assert [video.name for video in await system.store.videos(job_id)] == ["v.mp4"]


async def open_run(system: System, package: Path) -> tuple[int, Lease]:
    """A job whose first run is leased; the other runs are lost with their messages."""
    job_id = await system.submit(package, {**SMALL_RUNS, "batches_per_run": 64})
    gate = KnownPoses(delay_s=3600)
    runs: list[Lease] = []

    async def started() -> bool:
        return gate.started_runs > 0

    quick_drain = replace(system.settings.lease, drain_timeout_s=0.1)
    stalled = replace(system, settings=replace(system.settings, lease=quick_drain))
    async with stalled.working(gate):
        await eventually(started)
    runs.append(await leased(system))
    return job_id, runs[0]


async def test_a_stopped_worker_hands_its_run_back(system: System, package: Path) -> None:
    _, lease = await open_run(system, package)
    assert (lease.kind, lease.attempts) == (TaskKind.INFER, 1)


async def test_a_frame_batch_counts_once(system: System, package: Path) -> None:
    job_id, run = await open_run(system, package)
    first, second = (
        BatchResult(batch_id=batch.id, frames_decoded=4, people=4)
        for batch in (await system.store.flow.open_batches(run.id))[:2]
    )
    assert await system.store.flow.commit_batches(run, "first.npz", [first])
    assert not await system.store.flow.commit_batches(run, "second.npz", [first])
    assert not await system.store.flow.commit_batches(run, "both.npz", [first, second])
    video = (await system.store.videos(job_id))[0]
    assert video.frames_done == 4
    assert [file.results_path for file in await system.store.flow.pose_files(video.id)] == ["first.npz"]


async def test_an_outdated_holder_leaves_no_batch_file(system: System, package: Path) -> None:
    job_id, run = await open_run(system, package)
    zombie = replace(run, epoch=run.epoch - 1)
    poses = KnownPoses()
    step = _infer_step(system, poses)
    with pytest.raises(LeaseLostError):
        await step(zombie)
    video = (await system.store.videos(job_id))[0]
    assert video.frames_done == 0
    assert not [key for key in system.objects.keys(video.results_path) if "/poses/" in key]


class SlowObjects(LocalObjectStore):
    """Writes when it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked, self.go = threading.Event(), threading.Event()

    def put(self, key: str, data: bytes) -> None:
        self.asked.set()
        assert self.go.wait(20)
        super().put(key, data)


async def test_a_run_broken_off_while_a_file_is_written_leaves_none(
    system: System, package: Path, tmp_path: Path
) -> None:
    job_id, run = await open_run(system, package)
    zombie = replace(run, epoch=run.epoch - 1)
    objects = SlowObjects(tmp_path / "objects")
    step = asyncio.create_task(
        InferStep(system.store, objects, OneTriton(KnownPoses()), Metrics()).run(zombie)
    )
    assert await asyncio.to_thread(objects.asked.wait, 20)
    step.cancel()
    await asyncio.sleep(0)
    objects.go.set()
    with pytest.raises(asyncio.CancelledError):
        await step
    video = (await system.store.videos(job_id))[0]
    assert not [key for key in system.objects.keys(video.results_path) if "/poses/" in key]


async def test_batch_files_of_killed_workers_are_removed(system: System, package: Path) -> None:
    """Killed between the file and its row: nobody would ever read it."""
    job_id, run = await open_run(system, package)
    video = (await system.store.videos(job_id))[0]
    system.objects.put(pose_key(video.results_path, 0, run.epoch), b"half the truth")
    await system.store.tasks.release(run, 0, 1, None)
    async with system.working(KnownPoses()):
        assert (await system.ended(job_id)).status is JobStatus.COMPLETED
    await assert_consistent(system, video.id)


def _infer_step(system: System, poses: KnownPoses) -> Callable[[Lease], Awaitable[None]]:
    return InferStep(system.store, system.objects, OneTriton(poses), Metrics()).run


async def test_every_message_twice_changes_nothing(system: System, package: Path) -> None:
    async def echo() -> None:
        """Publish every task again and again, under ids of its own."""
        number = 0
        while True:
            number += 1
            for kind in TaskKind:
                lane = Lane.of(kind, (await system.store.job(job_id)).tier, project_id=1)
                for task_id in range(1, 12):
                    await system.bus.publish(lane, TaskMessage(task_id=task_id, epoch=number % 4))
            await asyncio.sleep(0.05)

    job_id = await system.submit(package, SMALL_RUNS)
    async with system.working(KnownPoses(delay_s=0.02)):
        noise = asyncio.create_task(echo())
        job = await system.ended(job_id)
        noise.cancel()
    video = (await system.store.videos(job_id))[0]
    assert (job.status, video.frames_done, video.frames_missing) == (JobStatus.COMPLETED, 60, 0)
    await assert_consistent(system, video.id)


async def test_a_deleted_stream_does_not_stop_the_job(system: System, package: Path) -> None:
    job_id = await system.submit(package, SMALL_RUNS)
    poses = KnownPoses(delay_s=0.2)
    async with system.working(poses):

        async def underway() -> bool:
            return poses.started_runs >= 2

        await eventually(underway)
        client = await nats.connect(system.settings.nats_url)
        await client.jetstream().delete_stream(STREAM)
        await client.close()
        job = await system.ended(job_id)
    video = (await system.store.videos(job_id))[0]
    assert (job.status, video.status, video.frames_done) == (
        JobStatus.COMPLETED, VideoStatus.COMPLETED, 60,
    )  # fmt: skip
    await assert_consistent(system, video.id)


async def test_terminated_connections_do_not_stop_the_job(system: System, package: Path) -> None:
    job_id = await system.submit(package, SMALL_RUNS)
    poses = KnownPoses(delay_s=0.1)
    async with system.working(poses):

        async def underway() -> bool:
            return poses.started_runs >= 2

        await eventually(underway)
        connection = await asyncpg.connect(system.settings.database_url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        with suppress(StoreError):
            await system.store.job(job_id)
        job = await system.ended(job_id)
    assert job.status is JobStatus.COMPLETED


async def test_no_runs_are_taken_while_triton_is_away(
    system: System, package: Path, caplog: pytest.LogCaptureFixture
) -> None:
    poses = AwayPoses()
    caplog.set_level(logging.INFO)

    def told(message: str) -> int:
        return caplog.messages.count(message)

    async def retried() -> bool:
        return told("infer retried") > 0

    job_id = await system.submit(package, SMALL_RUNS)
    async with system.working(poses):
        await eventually(retried)
        await asyncio.sleep(LONGER_THAN_RETRIES_S)
        assert told("infer retried") <= system.settings.queue.load().runs
        poses.is_away = False
        job = await system.ended(job_id)
    assert job.status is JobStatus.COMPLETED
    assert told("Triton is back") == 1


async def test_used_up_attempts_leave_a_declared_gap(system: System, package: Path) -> None:
    connection = await asyncpg.connect(system.settings.database_url)
    await connection.execute("ALTER TABLE task ALTER max_attempts SET DEFAULT 2")
    await connection.close()
    job_id = await system.submit(package, SMALL_RUNS)
    async with system.working(FirstRunBreaks()):
        job = await system.ended(job_id)
    video = (await system.store.videos(job_id))[0]
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert (video.status, video.error_code, video.frames_missing) == (VideoStatus.COMPLETED, "inference", 1)
    assert [(failed.first_frame, failed.last_frame) for failed in video.failed_ranges] == [(0, 0)]
    assert (await tasks_by_status(system))["dead"] == 1


async def test_silent_workers_use_up_the_attempts(system: System, package: Path) -> None:
    job_id = await system.submit(package)
    reconciler = Reconciler(system.store, system.bus, system.settings.lease, Metrics())
    for _ in range(5):
        await leased(system, lease_s=0)
        await reconciler.mend()
    job = await system.store.job(job_id)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "worker_lost")


async def test_wrong_counters_are_mended(system: System, package: Path) -> None:
    job_id, run = await open_run(system, package)
    batch: OpenBatch = (await system.store.flow.open_batches(run.id))[0]
    result = BatchResult(batch_id=batch.id, frames_decoded=3, people=4)
    await system.store.flow.commit_batches(run, "first.npz", [result])
    connection = await asyncpg.connect(system.settings.database_url)
    await connection.execute("UPDATE video SET batches_done = 0, frames_done = 0, frames_missing = 0")
    await connection.close()
    assert await system.store.repair.recount() == 1
    video = (await system.store.videos(job_id))[0]
    assert (video.frames_done, video.frames_missing) == (4, 1)
    assert await system.store.repair.recount() == 0


async def test_a_missing_source_fails_the_video(system: System) -> None:
    with pytest.raises(NotFoundError, match="video 99"):
        await system.store.flow.video_source(99)

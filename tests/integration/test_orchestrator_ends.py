"""Jobs that do not simply complete: cancelled, redriven, with frames that cannot be processed."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import msgspec
import numpy as np
import pytest

from core.errors import ConflictError, InferenceRefusedError, LeaseLostError, MareyError, NotFoundError
from core.jobs import JobStatus, VideoStatus
from core.networks import Networks
from core.poses import PoseBatch
from orchestrator.frame_requests import VideoRun
from orchestrator.metrics import Metrics
from orchestrator.pose_files import decode_poses
from orchestrator.reconciler import Reconciler
from orchestrator.store.tasks import Lease
from tests.media import Clip, write_clip
from tests.services.leases import leased, tasks_by_status
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses
from tests.services.waiting import eventually

FRAMES = 60
SMALL_RUNS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One video of 60 frames, a keyframe every 10."""
    return zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=FRAMES))})


@dataclass
class Poison(KnownPoses):
    """Fails whenever one of `poison` is among the frames."""

    poison: frozenset[int] = frozenset()
    error: type[MareyError] = InferenceRefusedError
    attempts_at_poison: int = 0

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """Known poses of what comes before the poison."""
        for batch in run.batches:
            if self.poison & set(range(batch.start, batch.stop)):
                self.attempts_at_poison += 1
                raise self.error("wrong")
            async for poses in super().infer_run(replace(run, batches=[batch]), networks):
                yield poses


async def execute(system: System, statement: str) -> str:
    """Run one SQL statement; its tag."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        return str(await connection.execute(statement))
    finally:
        await connection.close()


async def frames_stored(system: System, job_id: int) -> list[int]:
    """Every frame with poses in the files that count."""
    (video,) = await system.store.videos(job_id)
    files = await system.store.flow.pose_files(video.id)
    batches = [decode_poses(system.objects.read(file.results_path)) for file in files]
    return np.concatenate([batch.decoded_frames for batch in batches]).tolist()


async def test_poison_frames_are_found_and_the_rest_is_delivered(system: System, package: Path) -> None:
    poses = Poison(poison=frozenset({13, 42}))
    async with system.working(poses):
        job = await system.ended(await system.submit(package, SMALL_RUNS))
    (video,) = await system.store.videos(job.id)
    assert (job.status, job.error_code) == (JobStatus.COMPLETED_WITH_ERRORS, "inference_refused")
    assert (video.status, video.frames_done, video.frames_missing) == (VideoStatus.COMPLETED, FRAMES, 2)
    named = [(failed.first_frame, failed.last_frame, failed.error_code) for failed in video.failed_ranges]
    assert named == [(13, 13, "inference_refused"), (42, 42, "inference_refused")]
    assert await frames_stored(system, job.id) == [n for n in range(FRAMES) if n not in {13, 42}]
    assert poses.attempts_at_poison <= 10, "a request that is wrong was sent again and again"
    summary = msgspec.json.decode(system.objects.read(f"{video.results_path}summary.json"))
    assert [failed["first_frame"] for failed in summary["failed_ranges"]] == [13, 42]
    of_job = msgspec.json.decode(system.objects.read(f"jobs/{job.id}/summary.json"))
    assert of_job["videos"][0]["failed_ranges"] == summary["failed_ranges"]


async def test_frames_that_kill_workers_are_found(system: System, package: Path) -> None:
    """Every worker that takes frame 23 falls silent."""
    job_id = await system.submit(package, {**SMALL_RUNS, "batches_per_run": 64})
    await execute(system, "ALTER TABLE task ALTER max_attempts SET DEFAULT 2")
    short = replace(system.settings.lease, lease_s=0.6, reconcile_interval_s=0.1)
    hasty = replace(system, settings=replace(system.settings, lease=short))
    async with hasty.working(Poison(poison=frozenset({23}), error=LeaseLostError)):
        job = await system.ended(job_id)
    (video,) = await system.store.videos(job_id)
    assert (job.status, job.error_code) == (JobStatus.COMPLETED_WITH_ERRORS, "worker_lost")
    assert [(failed.first_frame, failed.last_frame) for failed in video.failed_ranges] == [(23, 23)]
    assert await frames_stored(system, job_id) == [n for n in range(FRAMES) if n != 23]


async def test_a_redrive_repeats_only_what_failed(system: System, package: Path) -> None:
    async with system.working(Poison(poison=frozenset({13}))):
        job = await system.ended(await system.submit(package, SMALL_RUNS))
    (before,) = await system.store.videos(job.id)
    files = [file.results_path for file in await system.store.flow.pose_files(before.id)]
    cured = Poison()
    assert (await system.store.redrive(job.id)).status is JobStatus.RUNNING
    async with system.working(cured):
        job = await system.ended(job.id)
    (video,) = await system.store.videos(job.id)
    assert (job.status, job.error_code, job.videos_done) == (JobStatus.COMPLETED, None, 1)
    assert (video.status, video.error_code, video.frames_missing) == (VideoStatus.COMPLETED, None, 0)
    assert (video.failed_ranges, video.frames_done) == ((), FRAMES)
    assert await frames_stored(system, job.id) == list(range(FRAMES))
    kept = [file.results_path for file in await system.store.flow.pose_files(video.id)]
    assert len(set(kept) - set(files)) == 1, "more than the one frame was inferred again"
    assert set(await tasks_by_status(system)) == {"done"}


async def test_a_redrive_repeats_a_first_step(system: System, package: Path) -> None:
    job_id = await system.submit(package, SMALL_RUNS)
    reconciler = Reconciler(system.store, system.bus, system.settings.lease, Metrics())
    for _ in range(5):
        await leased(system, lease_s=0)
        await reconciler.mend()
    assert (await system.store.job(job_id)).error_code == "worker_lost"
    await system.store.redrive(job_id)
    async with system.working(KnownPoses()):
        job = await system.ended(job_id)
    assert (job.status, job.error_code) == (JobStatus.COMPLETED, None)


async def test_a_job_without_failed_work_is_not_redriven(system: System, package: Path) -> None:
    job_id = await system.submit(package, SMALL_RUNS)
    with pytest.raises(ConflictError, match="is queued"):
        await system.store.redrive(job_id)
    async with system.working(KnownPoses()):
        await system.ended(job_id)
    with pytest.raises(ConflictError, match="is completed"):
        await system.store.redrive(job_id)
    with pytest.raises(NotFoundError):
        await system.store.redrive(99)


async def test_a_cancelled_job_stops_within_a_lease(system: System, package: Path) -> None:
    poses = KnownPoses(delay_s=0.5)
    job_id = await system.submit(package, SMALL_RUNS)

    async def underway() -> bool:
        return poses.started_runs >= 2

    async with system.working(poses):
        await eventually(underway)
        job = await system.store.cancel(job_id)
        assert job.status is JobStatus.CANCELLED
        assert job.finished_at is not None
        await asyncio.sleep(system.settings.lease.lease_s / 2)
        started = poses.started_runs
        await asyncio.sleep(system.settings.lease.lease_s / 2)
    (video,) = await system.store.videos(job_id)
    assert (video.status, poses.started_runs) == (VideoStatus.CANCELLED, started)
    assert set(await tasks_by_status(system)) == {"done", "cancelled"}
    assert await execute(system, "SELECT FROM frame_batch WHERE status = 'queued'") == "SELECT 0"
    assert (await system.store.cancel(job_id)).status is JobStatus.CANCELLED


async def test_the_holder_of_a_cancelled_task_commits_nothing(system: System, package: Path) -> None:
    job_id = await system.submit(package)
    lease: Lease = await leased(system)
    await system.store.cancel(job_id)
    with pytest.raises(LeaseLostError):
        await system.store.tasks.renew(lease)
    with pytest.raises(LeaseLostError):
        await system.store.flow.commit_package(lease, [])
    async with system.working(KnownPoses()):
        await asyncio.sleep(1)
    assert (await system.store.job(job_id)).status is JobStatus.CANCELLED


async def test_an_ended_job_is_not_cancelled(system: System, package: Path) -> None:
    job_id = await system.submit(package, SMALL_RUNS)
    async with system.working(KnownPoses()):
        await system.ended(job_id)
    with pytest.raises(ConflictError, match="is completed"):
        await system.store.cancel(job_id)
    with pytest.raises(NotFoundError):
        await system.store.cancel(99)


class HangsOnce(KnownPoses):
    """The first run never gets an answer."""

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """Known poses, but for the first caller."""
        self.started_runs += 1
        if self.started_runs == 1:
            await asyncio.sleep(3600)
        async for poses in super().infer_run(run, networks):
            yield poses


async def test_a_hung_run_is_not_kept_alive(system: System, package: Path) -> None:
    await execute(system, "UPDATE project SET progress_timeout_s = 2")
    async with system.working(HangsOnce()):
        job = await system.ended(await system.submit(package, SMALL_RUNS))
    assert job.status is JobStatus.COMPLETED
    assert await frames_stored(system, job.id) == list(range(FRAMES))


async def test_a_run_with_open_batches_does_not_end(system: System, package: Path) -> None:
    """As when the database is restored from a copy while a worker is at it."""
    await system.submit(package, {**SMALL_RUNS, "batches_per_run": 64})
    gate = KnownPoses(delay_s=3600)

    async def started() -> bool:
        return gate.started_runs > 0

    async with system.working(gate):
        await eventually(started)
        connection = await asyncpg.connect(system.settings.database_url)
        row = await connection.fetchrow("SELECT id, epoch FROM task WHERE kind = 'infer'")
        await connection.close()
        with pytest.raises(LeaseLostError):
            await system.store.flow.commit_run(_lease(row["id"], row["epoch"]))


def _lease(task_id: int, epoch: int) -> Lease:
    return msgspec.convert(
        {
            "id": task_id, "kind": "infer", "job_id": 1, "video_id": 1, "tier": "standard", "first_frame": 0,
            "last_frame": 59, "epoch": epoch, "attempts": 1, "max_attempts": 5, "age_s": 0.0,
            "lease_s": 30.0,
        },
        Lease,
    )  # fmt: skip

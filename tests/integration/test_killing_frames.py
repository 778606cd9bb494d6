"""Frames that end Triton: found, set aside and reported, and nobody else pays for them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.errors import InferenceLostError, KillingFrameError, SuspectWaitsError
from core.jobs import JobStatus, TaskStatus
from core.networks import Networks
from core.poses import PoseBatch
from core.video import FrameSpan
from orchestrator.bisection import ATTEMPTS_OF_A_PIECE
from orchestrator.bus import Bus, Delivery
from orchestrator.frame_requests import VideoRun
from orchestrator.lanes import Lane
from orchestrator.store.tasks import Failure, Windows
from tests.media import Clip, write_clip
from tests.services.leases import sent_task, tasks_by_status
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses

FRAMES, KILLING_FRAMES = 40, 48
"""Of the videos without and with killing frames: they are told apart by it."""
KILLING = frozenset({13, 14, KILLING_FRAMES - 1})
"""The last one is alone when everything else of its run is committed."""
DEATHS_PER_FRAME = 1 + 3 * ATTEMPTS_OF_A_PIECE
"""Among others, then alone: the run, what is left of it when the rest is cut off, the frame."""
SMALL_RUNS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}
pytestmark = pytest.mark.timeout(120)


@dataclass
class Mortal(KnownPoses):
    """As FramePath on a Triton that ends when it meets a killing frame, and with it all that is under way."""

    killing: frozenset[int] = frozenset()
    deaths: int = 0
    meetings: int = 0
    """Of suspects."""
    suspects: int = 0
    others: int = 0
    company: int = 0
    """Times that a suspect and something else were under way together."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """Known poses, until Triton ends."""
        self.suspects += run.alone
        self.others += not run.alone
        self.meetings += self.suspects > 1
        self.company += self.suspects > 0 and self.others > 0
        try:
            for batch in run.batches:
                await self._infer(len(run.info.pts_ns), batch, run.alone)
                async for poses in super().infer_run(replace(run, batches=[batch]), networks):
                    yield poses
        finally:
            self.suspects -= run.alone
            self.others -= not run.alone

    async def _infer(self, frame_count: int, batch: FrameSpan, alone: bool) -> None:
        killing = self.killing if frame_count == KILLING_FRAMES else frozenset()
        over = self.over
        for frame in range(batch.start, batch.stop):
            if frame in killing:
                self.deaths += 1
                self.over = asyncio.Event()
                over.set()
            else:
                await asyncio.sleep(0.005)
            if over.is_set():
                raise KillingFrameError(f"frame {frame}", frame) if alone else InferenceLostError("closed")


def slowly(
    take: Callable[[Bus, Lane], Awaitable[Delivery | None]],
) -> Callable[[Bus, Lane], Awaitable[Delivery | None]]:
    """NATS answers late: what is taken comes when the trial of a suspect has begun."""

    async def late(bus: Bus, lane: Lane) -> Delivery | None:
        delivery = await take(bus, lane)
        await asyncio.sleep(0.05)
        return delivery

    return late


@pytest.fixture
def packages(tmp_path: Path) -> tuple[Path, Path]:
    """One without, one with killing frames."""
    files = [write_clip(tmp_path / f"{n}.mp4", Clip(frames=n)) for n in (FRAMES, KILLING_FRAMES)]
    good, killing = (zip_of(tmp_path / f"{file.stem}.zip", {"v.mp4": file}) for file in files)
    return good, killing


async def test_killing_frames_are_found_and_no_other_job_pays(
    system: System, packages: tuple[Path, Path]
) -> None:
    poses = Mortal(killing=KILLING)
    good, killing = packages
    async with system.working(poses), system.working(poses):
        ids = [await system.submit(package, SMALL_RUNS) for package in (good, killing, good)]
        jobs = [await system.ended(job_id, 90) for job_id in ids]
    assert [job.status for job in jobs] == [
        JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_ERRORS, JobStatus.COMPLETED,
    ]  # fmt: skip
    (video,) = await system.store.videos(ids[1])
    named = [(failed.first_frame, failed.last_frame, failed.error_code) for failed in video.failed_ranges]
    assert named == [(frame, frame, "killing_frame") for frame in sorted(KILLING)]
    assert (video.frames_done, video.frames_missing) == (KILLING_FRAMES, len(KILLING))
    assert poses.deaths <= len(KILLING) * DEATHS_PER_FRAME
    assert poses.meetings == 0, "two suspects were tried at a time"


async def test_a_video_that_kills_with_any_frame_is_set_aside(
    system: System, packages: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Bus, "take", slowly(Bus.take))
    poses = Mortal(killing=frozenset(range(KILLING_FRAMES)))
    good, killing = packages
    async with system.working(poses):
        ids = [await system.submit(package, SMALL_RUNS) for package in (killing, good)]
        jobs = [await system.ended(job_id, 90) for job_id in ids]
    assert [job.status for job in jobs] == [JobStatus.FAILED, JobStatus.COMPLETED]
    (video,) = await system.store.videos(ids[0])
    codes = {failed.error_code for failed in video.failed_ranges}
    assert codes == {"killing_frame", "killing_video"}
    assert (video.frames_done, video.frames_missing) == (KILLING_FRAMES, KILLING_FRAMES)
    assert poses.deaths <= 20, "of 40 and more"
    assert poses.company == 0, "a suspect was not alone"
    await system.store.redrive(ids[0])
    task = await sent_task(system, Windows(runs=1, steps=0))
    lease = await system.store.tasks.lease(task.id, task.epoch, "a", 30)
    assert lease is not None
    assert lease.is_suspect
    await system.store.flow.fail(lease, Failure(code=KillingFrameError.code, message=""), TaskStatus.DEAD)
    assert "dead" not in await tasks_by_status(system), "what was said before the redrive counted"


async def test_one_suspect_is_leased_at_a_time(system: System, packages: tuple[Path, Path]) -> None:
    tasks = system.store.tasks
    leases = []
    for _ in range(2):
        await system.submit(packages[0])
        task = await sent_task(system)
        lease = await tasks.lease(task.id, task.epoch, "a", 30)
        assert lease is not None
        assert not lease.is_suspect
        leases.append(lease)
    for lease in leases:
        await tasks.release(lease, 0, 1, None, is_suspect=True)
    first = await tasks.lease(leases[0].id, leases[0].epoch, "a", 30)
    assert first is not None
    assert first.is_suspect
    with pytest.raises(SuspectWaitsError):
        await tasks.lease(leases[1].id, leases[1].epoch, "b", 30)
    await tasks.release(first, 0, 1, None)
    second = await tasks.lease(leases[1].id, leases[1].epoch, "b", 30)
    assert second is not None
    assert second.is_suspect

"""A video whose networks are exchanged while it is inferred begins again with the new ones."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.jobs import JobStatus
from core.networks import Networks
from core.poses import PoseBatch
from orchestrator.frame_requests import VideoRun
from orchestrator.pose_files import decode_networks
from tests.media import Clip, write_clip
from tests.services.leases import assert_consistent
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses

OLD, NEW = {"yolo": "1", "hrnet": "1"}, {"yolo": "1", "hrnet": "2"}
FRAMES, BATCHES = 60, 15
SMALL_RUNS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}


@dataclass
class Exchanged(KnownPoses):
    """Serves the networks of `turns` one after the other, each for so many runs; the last for ever."""

    turns: Sequence[tuple[int, Networks]] = ()
    inferred: int = 0

    async def networks(self) -> Networks:
        """Those whose turn it is."""
        left = self.started_runs
        for runs, networks in self.turns:
            if left < runs:
                return networks
            left -= runs
        return self.turns[-1][1]

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """Known poses."""
        async for batch in super().infer_run(run, networks):
            self.inferred += 1
            yield batch


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One video of 15 frame batches."""
    return zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=FRAMES))})


async def networks_of_poses(system: System, video_id: int) -> list[Networks]:
    """What each file of a video's poses says."""
    files = await system.store.flow.pose_files(video_id)
    return [decode_networks(system.objects.read(file.results_path)) for file in files]


async def test_a_video_begins_again_with_other_networks(system: System, package: Path) -> None:
    poses = Exchanged(turns=[(3, OLD), (1, NEW)])
    async with system.working(poses):
        job_id = await system.submit(package, SMALL_RUNS)
        assert (await system.ended(job_id)).status is JobStatus.COMPLETED
    (video,) = await system.store.videos(job_id)
    assert (video.frames_done, video.frames_missing) == (FRAMES, 0)
    await assert_consistent(system, video.id)
    source = await system.store.flow.video_source(video.id)
    assert (source.networks, source.network_changes) == (NEW, 1)
    assert all(networks == NEW for networks in await networks_of_poses(system, video.id))
    assert video.summary is not None
    assert video.summary["networks"] == NEW
    assert poses.inferred > BATCHES


async def test_servers_that_differ_for_good_end_in_an_error(system: System, package: Path) -> None:
    poses = Exchanged(turns=[(1, networks) for _ in range(40) for networks in (OLD, NEW)])
    async with system.working(poses):
        job_id = await system.submit(package, SMALL_RUNS)
        job = await system.ended(job_id)
    (video,) = await system.store.videos(job_id)
    assert job.status in {JobStatus.COMPLETED_WITH_ERRORS, JobStatus.FAILED}
    assert "mixed_networks" in {flaw.error_code for flaw in video.failed_ranges}
    async with system.working(KnownPoses(served=NEW)):
        await system.store.redrive(job_id)
        assert (await system.ended(job_id)).status is JobStatus.COMPLETED
    assert all(networks == NEW for networks in await networks_of_poses(system, video.id))

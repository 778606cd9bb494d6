"""Jobs through the whole orchestrator: real Postgres, NATS, packages and videos; poses without Triton."""

import zipfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from core.errors import InferenceError, InferenceUnavailableError
from core.jobs import JobStatus, VideoStatus
from core.networks import Networks
from core.poses import PoseBatch
from orchestrator.frame_requests import VideoRun
from tests.media import Clip, overwrite_middle, write_audio_only, write_clip
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses

SMALL_RUNS = {"frame_batch_frames": 8, "batches_per_run": 2}
RESULTS = {"keypoints.csv", "keypoints.parquet", "overlay.mp4", "summary.json"}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """45 frames, a keyframe every 10."""
    return write_clip(tmp_path / "clip.mp4", Clip(frames=45))


async def test_a_package_becomes_results(system: System, clip: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("two athletes")
    package = zip_of(tmp_path / "p.zip", {"a/run.mp4": clip, "walk.mp4": clip, "notes.txt": notes})
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(package, SMALL_RUNS))
    videos = await system.store.videos(job.id)
    assert (job.status, job.error_code, job.videos_total, job.videos_done) == (
        JobStatus.COMPLETED, None, 2, 2,
    )  # fmt: skip
    assert [(video.name, video.status, video.frames_done) for video in videos] == [
        ("a/run.mp4", VideoStatus.COMPLETED, 45),
        ("walk.mp4", VideoStatus.COMPLETED, 45),
    ]
    for video in videos:
        keys = {key.rpartition("/")[2] for key in system.objects.keys(video.results_path)}
        assert keys >= RESULTS
        table = pq.read_table(system.objects.local_path(video.results_path + "keypoints.parquet"))
        assert table.column("frame").to_pylist() == list(range(45))
        assert video.progress == 1
    assert system.objects.exists(f"jobs/{job.id}/summary.json")


async def test_every_frame_is_in_one_batch_file(system: System, clip: Path, tmp_path: Path) -> None:
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(zip_of(tmp_path / "p.zip", {"v.mp4": clip}), SMALL_RUNS))
    video = (await system.store.videos(job.id))[0]
    batches = await system.store.flow.pose_files(video.id)
    assert [frame for batch in batches for frame in range(batch.start_frame, batch.stop_frame)] == list(
        range(45)
    )
    stored = [key for key in system.objects.keys(video.results_path) if "/poses/" in key]
    assert stored == sorted(batch.results_path for batch in batches)


@dataclass
class Shaken(KnownPoses):
    """A person whose joints shake."""

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """By up to 4 px, the same in every run of a test."""
        async for batch in super().infer_run(run, networks):
            for frame, joints in zip(batch.frame_index, batch.keypoints_px, strict=True):
                joints[:, :2] += np.random.default_rng(frame).uniform(-4, 4, (26, 2))
            yield batch


async def test_smoothed_joints_are_steadier_in_the_same_frames(
    system: System, clip: Path, tmp_path: Path
) -> None:
    package = zip_of(tmp_path / "p.zip", {"v.mp4": clip})
    tables, summaries = [], []
    async with system.working(Shaken()):
        for parameters in ({}, {"smoothing_cutoff_hz": 3}):
            job_id = await system.submit(package, {**SMALL_RUNS, **parameters})
            assert (await system.ended(job_id)).status is JobStatus.COMPLETED
            (video,) = await system.store.videos(job_id)
            assert video.summary is not None
            summaries.append(video.summary["smoothing"])
            tables.append(pq.read_table(system.objects.local_path(f"{video.results_path}keypoints.parquet")))
    raw, smooth = tables
    for name in ("frame", "time_s", "person", "box_x1_px", "nose_confidence"):
        assert smooth.column(name).equals(raw.column(name))
    shakes = [np.abs(np.diff(table.column("nose_y_px").to_numpy(), 2)).sum() for table in tables]
    assert shakes[1] < shakes[0] / 4
    assert summaries[0] is None
    assert isinstance(summaries[1], dict)
    assert (summaries[1]["is_applied"], summaries[1]["cutoff_hz"]) == (True, 3)


async def test_overlay_can_be_left_out(system: System, clip: Path, tmp_path: Path) -> None:
    package = zip_of(tmp_path / "p.zip", {"v.mp4": clip})
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(package, {"overlay": "off"}))
    keys = system.objects.keys((await system.store.videos(job.id))[0].results_path)
    assert not any(key.endswith("overlay.mp4") for key in keys)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"no zip at all", "not_a_zip"), (b"PK\x05\x06" + bytes(18), "empty_archive")],
)
async def test_a_bad_package_fails_the_job(system: System, tmp_path: Path, content: bytes, code: str) -> None:
    package = tmp_path / "p.zip"
    package.write_bytes(content)
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(package))
    assert (job.status, job.error_code) == (JobStatus.FAILED, code)
    assert (job.error_message or "").startswith(f"{job.input_key}: expected ")


async def test_bad_entries_do_not_keep_the_others(system: System, clip: Path, tmp_path: Path) -> None:
    package = zip_of(
        tmp_path / "p.zip",
        {"../evil.mp4": clip, "good.mp4": clip, "song.mp4": write_audio_only(tmp_path / "a.mp4")},
    )
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(package))
    ends = {video.name: (video.status, video.error_code) for video in await system.store.videos(job.id)}
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert ends == {
        "good.mp4": (VideoStatus.COMPLETED, None),
        "song.mp4": (VideoStatus.FAILED, "no_video_stream"),
        "../evil.mp4": (VideoStatus.FAILED, "unsafe_name"),
    }


async def test_no_video_with_results_fails_the_job(system: System, tmp_path: Path) -> None:
    package = zip_of(tmp_path / "p.zip", {"song.mp4": write_audio_only(tmp_path / "a.mp4")})
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(package))
    assert (job.status, job.error_code) == (JobStatus.FAILED, "no_video_stream")


async def test_a_gap_is_declared(system: System, clip: Path, tmp_path: Path) -> None:
    package = zip_of(tmp_path / "p.zip", {"v.mp4": clip})
    async with system.working(KnownPoses(undecodable=frozenset(range(12, 15)))):
        job = await system.ended(await system.submit(package, SMALL_RUNS))
    video = (await system.store.videos(job.id))[0]
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS
    assert (video.status, video.error_code, video.frames_missing) == (
        VideoStatus.COMPLETED, "corrupt_video", 3,
    )  # fmt: skip
    assert video.error_message is not None
    assert "frames 12-14 could not be decoded" in video.error_message


async def test_a_video_damaged_in_the_middle_is_delivered(system: System, clip: Path, tmp_path: Path) -> None:
    damaged = overwrite_middle(clip, 0.4, 0.6)
    package = zip_of(tmp_path / "p.zip", {"v.mp4": damaged})
    async with system.working(KnownPoses(undecodable=frozenset(range(20, 30)))):
        job = await system.ended(await system.submit(package, SMALL_RUNS))
    assert job.status is JobStatus.COMPLETED_WITH_ERRORS


async def test_failed_attempts_are_repeated(system: System, clip: Path, tmp_path: Path) -> None:
    poses = KnownPoses(errors=[InferenceUnavailableError("away"), InferenceError("broken"), KeyError("bug")])
    package = zip_of(tmp_path / "p.zip", {"v.mp4": clip})
    async with system.working(poses):
        job = await system.ended(await system.submit(package))
    assert job.status is JobStatus.COMPLETED
    assert not poses.errors


async def test_zip_bomb_fails_the_job(system: System, tmp_path: Path) -> None:
    package = tmp_path / "p.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("bomb.mp4", bytes(50_000_000))
    async with system.working(KnownPoses()):
        job = await system.ended(await system.submit(package))
    assert (job.status, job.error_code) == (JobStatus.FAILED, "suspicious_ratio")

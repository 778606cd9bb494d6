"""`marey up --workers 2`: both work at a job, and one that is killed is started again."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import marey
import pytest

from deploy.embedded.postgres import postgres_url
from tests.media import Clip, write_clip
from tests.services import stacks
from tests.services.probe_networks import write_probe_networks
from tests.services.waiting import eventually, until

pytestmark = pytest.mark.timeout(300)
FRAMES, BATCH_FRAMES, VIDEOS = 45, 8, 2
SMALL_RUNS = {"frame_batch_frames": BATCH_FRAMES, "batches_per_run": 2, "overlay": "off"}
LONG_S = 60.0
LEASE_ENDS_S = 120.0
"""Until the work of the killed one is found, and done."""


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder whose sockets have short names."""
    with tempfile.TemporaryDirectory(prefix="marey-test-") as folder:
        yield Path(folder)


def worker_pid(home: Path, service: str) -> int:
    """The process of a worker, which is told its ready file."""
    ready_file = b"MAREY_READY_FILE=" + os.fsencode(home / f"{service}.ready")
    return next(
        pid
        for pid in stacks.processes_of(home)
        if ready_file in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    )


def submit(home: Path, clips: list[Path]) -> marey.Job:
    """A job of short runs."""
    with stacks.client(home) as client:
        return client.submit(clips, "pose_2d", SMALL_RUNS)


def ended(home: Path, job_id: int) -> marey.Job:
    """The job once it is over."""
    with stacks.client(home) as client:
        return client.wait(job_id, timeout_s=LEASE_ENDS_S).job


async def until_cut(database: asyncpg.Connection) -> None:
    """Wait until every video has all its frame batches."""
    batches = VIDEOS * -(-FRAMES // BATCH_FRAMES)

    async def is_cut() -> bool:
        return bool(await database.fetchval("SELECT count(*) = $1 FROM frame_batch", batches))

    await eventually(is_cut, LONG_S)


async def until_both_work(database: asyncpg.Connection) -> None:
    """Wait until each of the two has leased a run."""

    async def both_work() -> bool:
        leased = "SELECT count(DISTINCT worker) = 2 FROM task WHERE kind = 'infer' AND status = 'leased'"
        return bool(await database.fetchval(leased))

    await eventually(both_work, LONG_S)


async def test_two_workers_share_a_job_and_one_that_is_killed_is_replaced(home: Path, tmp_path: Path) -> None:
    clips = [write_clip(tmp_path / f"{name}.mp4", Clip(frames=FRAMES)) for name in "ab"]
    models = write_probe_networks(tmp_path / "models")
    with stacks.marey(["up", "--workers", "2", "--models", str(models)], tmp_path, home) as up:
        up.until_says("Marey is ready")
        workers = [worker_pid(home, service) for service in ("worker", "worker_2")]
        database = await asyncpg.connect(postgres_url(home / "postgres"))
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        job = await asyncio.to_thread(submit, home, clips)
        await until_cut(database)
        async with database.transaction():
            # Whoever has computed a batch waits to commit it.
            await database.execute("SELECT id FROM frame_batch FOR UPDATE")
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            await until_both_work(database)
            os.kill(workers[1], signal.SIGKILL)
        until(lambda: up.output.count("worker_2      ready") == 2, LONG_S, up)
        assert "worker_2 was killed by signal 9" in up.output
        assert (await asyncio.to_thread(ended, home, job.id)).status == "completed"
        done = "SELECT video_id, sum(frames_decoded) FROM frame_batch WHERE status = 'completed' GROUP BY 1"
        assert [frames for _, frames in await database.fetch(done)] == [FRAMES] * VIDEOS
        await database.close()
        assert up.interrupt() == 0
        assert stacks.processes_of(home) == {}

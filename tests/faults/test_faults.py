"""Jobs end right whatever is killed, stopped, emptied or taken back: real processes, seeded instants."""

import asyncio
import time
from pathlib import Path
from random import Random

import marey
import pytest

from orchestrator.bus import STREAM
from tests.faults.cluster import Cluster, until
from tests.faults.conftest import Report
from tests.faults.faults import FAULTS
from tests.faults.invariants import Outcome, check, outcome
from tests.media import Clip, write_clip
from tests.services.orchestrator import zip_of

pytestmark = pytest.mark.timeout(300)
PARAMETERS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}
FRAMES = {"a.mp4": 140, "b.mp4": 60}
END_TIMEOUT_S = 120.0
EARLY_SHARE, EARLY_S = 0.2, 0.5
"""So many faults happen this soon after the job was accepted: while its package is opened and cut."""
REDRIVEN = {"broken_model"}
"""Where it lasts longer than the attempts, the job says which frames are missing, and a redrive mends it."""
STREAM_TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos, a keyframe every 10 frames."""
    folder = tmp_path_factory.mktemp("package")
    files = {name: write_clip(folder / name, Clip(frames=frames)) for name, frames in FRAMES.items()}
    return zip_of(folder / "p.zip", files)


@pytest.fixture(scope="module")
def fault_free(cluster: Cluster, package: Path) -> Outcome:
    """A first job, which warms everything up, and a second one to compare with."""
    for _ in range(2):
        job_id = submit(cluster, package)
        check(cluster, ended(cluster, job_id), outcome(cluster, job_id))
    return outcome(cluster, job_id)


def test_a_job_ends_as_without_a_fault(
    cluster: Cluster, package: Path, fault_free: Outcome, fault: str, seed: int, report: Report
) -> None:
    random = Random(f"{fault}-{seed}")
    job_id = submit(cluster, package)
    done = until_some_instant(cluster, job_id, random)
    detail = FAULTS[fault](cluster, random)
    over_s = time.monotonic()
    snapshot = ended(cluster, job_id)
    recovery_s = time.monotonic() - over_s
    if snapshot.job.status == "completed_with_errors" and fault in REDRIVEN:
        snapshot = redriven(cluster, job_id)
    counts = check(cluster, snapshot, fault_free)
    report(
        f"{fault} seed {seed}: after {done} of {sum(FRAMES.values())} frames{', ' if detail else ''}"
        f"{detail or ''}; ended {recovery_s:.1f} s after; {counts}"
    )


def test_the_stream_is_empty_in_the_end(cluster: Cluster, package: Path, report: Report) -> None:
    """Messages of workers that were killed come again, when their lane is next taken from, and go."""

    async def messages() -> int:
        async with cluster.nats() as client:
            return int((await client.jetstream().stream_info(STREAM)).state.messages)

    deadline_s = time.monotonic() + STREAM_TIMEOUT_S
    while asyncio.run(messages()):
        assert time.monotonic() < deadline_s
        ended(cluster, submit(cluster, package))
    report("0 messages in JetStream")


def submit(cluster: Cluster, package: Path) -> int:
    """Start a job on the package through the API."""
    with cluster.client() as client:
        return client.submit([package], parameters=PARAMETERS).id


def redriven(cluster: Cluster, job_id: int) -> marey.Snapshot:
    """The job once what failed in it has been repeated."""
    with cluster.client() as client:
        client.redrive(job_id)
    return ended(cluster, job_id)


def until_some_instant(cluster: Cluster, job_id: int, random: Random) -> int:
    """Wait for an instant between the job's start and its collection; returns the frames done by then.

    Told by the job's progress, not by the clock, which says nothing on a busy machine.
    """
    if random.random() < EARLY_SHARE:
        time.sleep(random.uniform(0, EARLY_S))
    else:
        wanted = random.randint(1, sum(FRAMES.values()))
        until(lambda: frames_done(cluster, job_id) >= wanted, END_TIMEOUT_S)
    return frames_done(cluster, job_id)


def frames_done(cluster: Cluster, job_id: int) -> int:
    """Frames of a job that are committed."""
    rows = cluster.sql("SELECT coalesce(sum(frames_done), 0) AS frames FROM video WHERE job_id = $1", job_id)
    return int(rows[0]["frames"])


def ended(cluster: Cluster, job_id: int) -> marey.Snapshot:
    """The job and its videos once nothing will change any more."""
    deadline_s = time.monotonic() + END_TIMEOUT_S
    with cluster.client() as client:
        while True:
            try:
                return client.wait(job_id, timeout_s=deadline_s - time.monotonic())
            except marey.JobTimeoutError:
                raise
            except marey.MareyError:
                assert time.monotonic() < deadline_s
                time.sleep(0.2)

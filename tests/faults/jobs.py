"""The job that is hurt: one package, and what it gives on a cluster without a fault."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import marey

from tests.faults.cluster import Cluster
from tests.faults.invariants import Outcome, check, outcome
from tests.media import Clip, write_clip
from tests.services.orchestrator import zip_of

T = TypeVar("T")
PARAMETERS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}
FRAMES = {"a.mp4": 140, "b.mp4": 60}
ALL_FRAMES = sum(FRAMES.values())
END_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A cluster that is warmed up, and what a job without a fault gives there."""

    cluster: Cluster
    package: Path
    expected: Outcome
    job_s: float
    """What the job takes, from its first sign to its end."""


def write_package(folder: Path) -> Path:
    """Two videos, a keyframe every 10 frames."""
    files = {name: write_clip(folder / name, Clip(frames=frames)) for name, frames in FRAMES.items()}
    return zip_of(folder / "p.zip", files)


def warmed_up(cluster: Cluster, package: Path) -> Subject:
    """A first job, which warms everything up, and a second one to compare with."""
    for _ in range(2):
        job_id = submit(cluster, package)
        started_s = time.monotonic()
        snapshot = ended(cluster, job_id)
        job_s = time.monotonic() - started_s
        assert snapshot.job.status == "completed", snapshot
        check(cluster, snapshot, outcome(cluster, job_id))
    return Subject(cluster=cluster, package=package, expected=outcome(cluster, job_id), job_s=job_s)


def submit(cluster: Cluster, package: Path) -> int:
    """Start a job on the package through the API, as a client that asks again until it is told of its job."""
    with cluster.client() as client:
        input_key, once = client.upload([package]), uuid4().hex
        job = _answered(lambda: client.create_job(input_key, parameters=PARAMETERS, idempotency_key=once))
    return job.id


def redriven(cluster: Cluster, job_id: int) -> marey.Snapshot:
    """The job once what failed in it has been repeated."""
    with cluster.client() as client:
        client.redrive(job_id)
    return ended(cluster, job_id)


def last_job_id(cluster: Cluster) -> int:
    """The newest job's; 0 without any."""
    return int(cluster.sql("SELECT coalesce(max(id), 0) AS id FROM job")[0]["id"])


def frames_done(cluster: Cluster, job_id: int) -> int:
    """Frames of a job that are committed."""
    rows = cluster.sql("SELECT coalesce(sum(frames_done), 0) AS frames FROM video WHERE job_id = $1", job_id)
    return int(rows[0]["frames"])


def ended(cluster: Cluster, job_id: int, timeout_s: float = END_TIMEOUT_S) -> marey.Snapshot:
    """The job and its videos once nothing will change any more."""
    with cluster.client() as client:
        return _answered(lambda: client.wait(job_id, timeout_s=timeout_s), timeout_s)


def _answered(ask: Callable[[], T], timeout_s: float = END_TIMEOUT_S) -> T:
    """Ask again while there is no answer."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            return ask()
        except marey.JobTimeoutError:
            raise
        except marey.MareyError:
            assert time.monotonic() < deadline_s
            time.sleep(0.2)

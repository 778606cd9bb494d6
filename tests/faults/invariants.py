"""What must hold of a job once it has ended, whatever happened on the way."""

import asyncio
import re
import time
from dataclasses import dataclass

import marey

from core.video import FrameSpan
from orchestrator.bus import STREAM
from tests.faults.cluster import Cluster
from tests.services.waiting import until

LEFTOVER_TIMEOUT_S = 20.0
LEFTOVER_POLL_S = 0.2
_POSES = "/poses/"
_OF_ONE_JOB = re.compile(r"^jobs/\d+/|(?<=videos/)\d+")
"""What differs between the object keys of two equal jobs: ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A job's results, comparable with those of another job on the same package."""

    objects: tuple[str, ...]
    """Keys without ids, sorted. Not of pose files: how many batches share one follows the pace."""
    tables: dict[str, bytes]
    """`keypoints.csv` by video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What must not be left once a job has ended and nothing else is under way."""

    jobs: int = 0
    """Not ended, of all that were ever accepted."""
    tasks: int = 0
    """In the outbox, sent or leased."""
    messages: int = 0
    """In JetStream."""
    unacknowledged: int = 0
    """Of them, taken by somebody."""
    drafts: int = 0

    def __str__(self) -> str:
        return (
            f"left: {self.jobs} jobs, {self.tasks} tasks, {self.messages} messages, "
            f"{self.unacknowledged} unacknowledged, {self.drafts} drafts"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted of a job that has ended."""

    frames: int
    batches: int
    files: int
    """Of poses."""
    objects: int
    """The others."""
    tasks: int
    attempts: int
    left: Leftovers

    def __str__(self) -> str:
        return (
            f"{self.frames} frames, {self.batches} batches = rows in {self.files} files, "
            f"{self.objects} more objects, {self.tasks} tasks in {self.attempts} attempts; {self.left}"
        )


def outcome(cluster: Cluster, job_id: int) -> Outcome:
    """What a job has delivered."""
    objects = cluster.objects
    videos = cluster.sql("SELECT video_name, video_results_path FROM video WHERE job_id = $1", job_id)
    keys = objects.keys(f"jobs/{job_id}/")
    return Outcome(
        objects=tuple(sorted(_OF_ONE_JOB.sub("", key) for key in keys if _POSES not in key)),
        tables={
            row["video_name"]: objects.read(f"{row['video_results_path']}keypoints.csv") for row in videos
        },
    )


def check(cluster: Cluster, snapshot: marey.Snapshot, expected: Outcome) -> Counts:
    """Assert that the job ended as it would have without a fault; returns what was counted."""
    job = snapshot.job
    assert (job.status, job.error_code) == ("completed", None), snapshot
    for video in snapshot.videos:
        assert (video.frames_done, video.frames_missing) == (video.frames_total, 0)
    batches = _check_rows(cluster, job.id)
    left = _settled(cluster)
    tasks = cluster.sql("SELECT status, attempts FROM task WHERE job_id = $1", job.id)
    assert {row["status"] for row in tasks} == {"done"}
    found = outcome(cluster, job.id)
    assert found.objects == expected.objects
    assert found.tables == expected.tables, "other poses than without a fault"
    return Counts(
        frames=sum(video.frames_done for video in snapshot.videos),
        batches=batches,
        files=len(_pose_files(cluster, job.id)),
        objects=len(found.objects),
        tasks=len(tasks),
        attempts=sum(row["attempts"] for row in tasks),
        left=left,
    )


def _settled(cluster: Cluster) -> Leftovers:
    """What is left once nothing is left, or time is over."""
    deadline_s = time.monotonic() + LEFTOVER_TIMEOUT_S
    while (left := leftovers(cluster)) != Leftovers():
        assert time.monotonic() < deadline_s, left
        time.sleep(LEFTOVER_POLL_S)
    return left


def leftovers(cluster: Cluster) -> Leftovers:
    """What is left now. A run may end a moment after its job: its frame batches were committed, but not that
    it has no more of them; and the messages of killed workers go with the reconciler's next round."""
    open_jobs = cluster.sql("SELECT FROM job WHERE finished_at IS NULL")
    open_tasks = cluster.sql("SELECT FROM task WHERE status IN ('ready', 'sent', 'leased')")
    messages, unacknowledged = asyncio.run(_messages(cluster))
    return Leftovers(
        jobs=len(open_jobs),
        tasks=len(open_tasks),
        messages=messages,
        unacknowledged=unacknowledged,
        drafts=len(cluster.drafts()),
    )


async def _messages(cluster: Cluster) -> tuple[int, int]:
    """How many JetStream has, and of how many it waits for an acknowledgement."""
    async with cluster.nats() as client:
        jetstream = client.jetstream()
        stream = await jetstream.stream_info(STREAM)
        consumers = await jetstream.consumers_info(STREAM)
    return stream.state.messages, sum(consumer.num_ack_pending or 0 for consumer in consumers)


def _check_rows(cluster: Cluster, job_id: int) -> int:
    """Counters, rows and files agree, and each frame is in one batch; returns the number of batches."""
    rows = cluster.sql(
        "SELECT v.id, v.frames_total, v.batches_total, v.batches_done, b.start_frame, b.stop_frame, "
        "b.status, b.results_path FROM video v JOIN frame_batch b ON b.video_id = v.id "
        "WHERE v.job_id = $1 ORDER BY v.id, b.start_frame",
        job_id,
    )
    for video_id in {row["id"] for row in rows}:
        mine = [row for row in rows if row["id"] == video_id]
        spans = [FrameSpan(row["start_frame"], row["stop_frame"]) for row in mine]
        frames = [frame for span in spans for frame in range(span.start, span.stop)]
        assert frames == list(range(mine[0]["frames_total"]))
        assert {row["status"] for row in mine} == {"completed"}
        assert mine[0]["batches_total"] == mine[0]["batches_done"] == len(mine)
    files = sorted({row["results_path"] for row in rows})
    until(lambda: _pose_files(cluster, job_id) == files, LEFTOVER_TIMEOUT_S)
    return len(rows)


def _pose_files(cluster: Cluster, job_id: int) -> list[str]:
    return sorted(key for key in cluster.objects.keys(f"jobs/{job_id}/") if _POSES in key)

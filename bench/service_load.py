"""Work for a running stack whose inference is taken out, and what it costs."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import click
import marey
import msgspec

from bench.noop_stack import NoopStack
from bench.tiny_video import write_tiny_video
from bench.usage import cpu_s, memory_mb, service_pid

BATCHES_PER_RUN = 64
DEADLINE_S = 3600.0
PATH_SERVICES = ("worker", "orchestrator", "postgres", "nats", "triton")
"""What a frame batch passes; the API only answers who asks."""
_OPEN_GATES = """UPDATE project SET project_quotas = '{"starts_per_s": 1000, "starts_burst": 10000}'"""
_PROGRESS = """SELECT count(*) AS videos, count(*) FILTER (WHERE batches_total > 0) AS submitted,
    coalesce(sum(batches_done), 0)::int AS done, coalesce(sum(batches_total), 0)::int AS total
    FROM video WHERE job_id = $1"""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What some frame batches cost."""

    batches: int
    batches_per_s: float
    cpu_ms_per_batch: dict[str, float]
    """By service."""
    cpu_ms: float
    """Of all services together."""
    load_average: float
    """Of the machine over the last minute, at the end."""


@dataclass(frozen=True, slots=True)
class Reading:
    """CPU time by service, at a moment."""

    at_s: float
    cpu_s: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is."""

    videos: int
    submitted: int
    """Videos that are cut into frame batches."""
    done: int
    total: int
    """Frame batches."""


class ServiceLoad:
    """Jobs of tiny videos."""

    def __init__(self, running: NoopStack, client: marey.Client, folder: Path) -> None:
        self._running = running
        self._client = client
        self._folder = folder
        self.sql(_OPEN_GATES)

    def submit(
        self,
        batches: int,
        videos: int = 1,
        batches_per_run: int = BATCHES_PER_RUN,
        frames_per_batch: int = 1,
    ) -> int:
        """A job of `videos` with so many frame batches each; its id."""
        name = f"{batches}-{batches_per_run}-{frames_per_batch}"
        one = self._folder / f"{name}.mp4"
        if not one.exists():
            write_tiny_video(one, batches * frames_per_batch, batches_per_run * frames_per_batch)
        copies = [self._folder / f"{name}-{number:04d}.mp4" for number in range(videos)]
        for copy in copies:
            if not copy.exists():
                copy.hardlink_to(one)
        parameters = {
            "overlay": "off",
            "frame_batch_frames": frames_per_batch,
            "batches_per_run": batches_per_run,
        }
        return self._client.submit(copies, parameters=parameters).id

    def wait(self, job_id: int) -> None:
        """Until the job is completed."""
        status = self._client.wait(job_id, DEADLINE_S).job.status
        if status != "completed":
            raise click.ClickException(f"expected job {job_id} to be completed, got {status}")

    def progress(self, job_id: int) -> Progress:
        """Of a job, from Postgres."""
        return Progress(**dict(self.sql(_PROGRESS, job_id)[0]))

    def read(self) -> Reading:
        """CPU time so far."""
        return Reading(time.monotonic(), cpu_s(self._running.pids()))

    def resident_mb(self) -> dict[str, float]:
        """Resident memory of Marey's own processes."""
        guards = self._running.pids()
        return {
            name: round(memory_mb(service_pid(guards[name]), "VmRSS"), 1)
            for name in ("worker", "orchestrator")
        }

    def sql(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Rows of one statement."""

        async def run() -> Sequence[asyncpg.Record]:
            connection = await asyncpg.connect(self._running.stack.environment["MAREY_DATABASE_URL"])
            try:
                rows: Sequence[asyncpg.Record] = await connection.fetch(statement, *arguments)
                return rows
            finally:
                await connection.close()

        return asyncio.run(run())


def cost(before: Reading, after: Reading, batches: int, load_average: float) -> Cost:
    """Of `batches` that went through between two readings."""
    each = {name: (after.cpu_s[name] - before.cpu_s[name]) * 1000 / batches for name in PATH_SERVICES}
    return Cost(
        batches=batches,
        batches_per_s=round(batches / (after.at_s - before.at_s), 1),
        cpu_ms_per_batch={name: round(value, 3) for name, value in each.items()},
        cpu_ms=round(sum(each.values()), 3),
        load_average=round(load_average, 1),
    )

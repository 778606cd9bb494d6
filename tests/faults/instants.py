"""The instant of a fault: the stage of its job that its seed asks for, told from the database."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from random import Random

import asyncpg

TIMEOUT_S = 120.0
_POLL_S = 0.001
"""Some stages last 20 ms."""
_LATER_S = 0.03
"""Half of the faults come up to so much later than the stage begins."""


class Stage(StrEnum):
    """Where a job is, in order. The last stages of one video may come before `INFERRING` of another."""

    UPLOADED = "uploaded"
    """Accepted, its package not unpacked."""
    UNPACKED = "unpacked"
    """The videos are known, none is cut into runs."""
    ENQUEUED = "enqueued"
    """There are runs, and no worker has begun with any."""
    DECODING = "decoding"
    """Workers have begun with runs and committed nothing."""
    INFERRING = "inferring"
    COMPLETING = "completing"
    """The last frame batch of a video, or the last video, is committed; nobody collects it yet."""
    COLLECTING = "collecting"
    ENDED = "ended"


HURT = tuple(stage for stage in Stage if stage is not Stage.ENDED)
"""The stages in which faults come."""
_ORDER = {stage: number for number, stage in enumerate(Stage)}
_PASSES_ONCE = {Stage.UPLOADED, Stage.UNPACKED, Stage.ENQUEUED, Stage.DECODING}
_NOW = """
WITH hurt AS (SELECT min(id) AS id FROM job WHERE id > $1),
open AS (
    SELECT task.kind, task.status FROM hurt JOIN task ON task.job_id = hurt.id
    WHERE task.status IN ('ready', 'sent', 'leased')
), seen AS (
    SELECT count(*) AS videos, coalesce(sum(frames_done), 0)::int AS frames_done
    FROM hurt JOIN video ON video.job_id = hurt.id
)
SELECT hurt.id AS job_id, seen.frames_done, CASE
    WHEN (SELECT finished_at IS NOT NULL FROM job WHERE job.id = hurt.id) THEN 'ended'
    WHEN EXISTS (SELECT FROM open WHERE kind LIKE 'collect%' AND status = 'leased') THEN 'collecting'
    WHEN EXISTS (SELECT FROM open WHERE kind LIKE 'collect%') THEN 'completing'
    WHEN seen.frames_done > 0 THEN 'inferring'
    WHEN EXISTS (SELECT FROM open WHERE kind = 'infer' AND status = 'leased') THEN 'decoding'
    WHEN EXISTS (SELECT FROM open WHERE kind = 'infer') THEN 'enqueued'
    WHEN seen.videos > 0 THEN 'unpacked'
    ELSE 'uploaded' END AS stage
FROM hurt, seen
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """A moment of a job."""

    stage: Stage
    frames_done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The moment that a fault waits for."""

    stage: Stage
    frames_done: int
    """At least so many; counts while `INFERRING`."""
    delay_s: float
    """After that."""

    def is_reached(self, now: Instant) -> bool:
        """Whether it is there, or will not come any more."""
        if now.stage is Stage.ENDED:
            return True
        if self.stage is Stage.INFERRING:
            return now.frames_done >= self.frames_done
        if self.stage in _PASSES_ONCE:
            return _ORDER[now.stage] >= _ORDER[self.stage]
        return now.stage is self.stage


def wanted(fault: str, seed: int, random: Random, frames: int) -> Wanted:
    """Seeds that follow each other take the stages in turn; each fault begins with another."""
    return Wanted(
        stage=HURT[(seed + zlib.crc32(fault.encode())) % len(HURT)],
        frames_done=random.randint(1, frames),
        delay_s=random.choice((0.0, random.uniform(0, _LATER_S))),
    )


def reach(database_url: str, last_job_id: int, wanted: Wanted) -> tuple[int, Instant]:
    """Wait for an instant of the first job after `last_job_id`; returns its id, and where it was then."""
    return asyncio.run(asyncio.wait_for(_reach(database_url, last_job_id, wanted), TIMEOUT_S))


async def _reach(database_url: str, last_job_id: int, wanted: Wanted) -> tuple[int, Instant]:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        async with aclosing(_moments(connection, last_job_id)) as moments:
            async for _, now in moments:
                if wanted.is_reached(now):
                    break
            await asyncio.sleep(wanted.delay_s)
        return await anext(_moments(connection, last_job_id))
    finally:
        connection.terminate()


async def _moments(
    connection: asyncpg.Connection, last_job_id: int
) -> AsyncGenerator[tuple[int, Instant], None]:
    """Where the first job after `last_job_id` is, again and again, once there is one."""
    while True:
        row = await connection.fetchrow(_NOW, last_job_id)
        if row["job_id"] is not None:
            yield row["job_id"], Instant(stage=Stage(row["stage"]), frames_done=row["frames_done"])
        await asyncio.sleep(_POLL_S)

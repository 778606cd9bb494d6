"""What the reconciler finds and mends."""

from dataclasses import dataclass
from datetime import datetime

from core.jobs import TaskKind, Tier
from orchestrator.lanes import Lane, Queue
from orchestrator.store.database import Database
from orchestrator.store.tasks import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _SilentLane:
    kind: TaskKind
    tier: Tier
    project_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _LaneState:
    has_open_tasks: bool


class RepairStore:
    """Statements that bring back work which was lost on the way."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def expire_leases(self) -> int:
        """Tasks of silent workers are ready again; returns how many."""
        return await self._database.execute("expire_leases")

    async def exhausted_leases(self) -> list[Lease]:
        """Tasks of silent workers that may not be tried again."""
        return await self._database.rows(Lease, "exhausted_leases")

    async def silent_lanes(self, older_than_s: float) -> list[Lane]:
        """Lanes with tasks whose message was sent so long ago and not taken."""
        rows = await self._database.rows(_SilentLane, "silent_lanes", older_than_s)
        return [Lane.of(row.kind, row.tier, row.project_id) for row in rows]

    async def requeue_lost(self, lane: Lane, oldest: datetime | None, margin_s: float) -> int:
        """Tasks of a lane whose message is lost are ready again; returns how many.

        Lost are those that were sent so long before the lane's oldest message, which comes first, or before
        now if there is none.
        """
        return await self._database.execute("requeue_lost", *_columns(lane), oldest, margin_s)

    async def is_over(self, lane: Lane) -> bool:
        """Whether all tasks of the lane are over: no message of it that was stored before counts any more."""
        state = await self._database.row(_LaneState, "lane_has_open_tasks", *_columns(lane))
        return state is not None and not state.has_open_tasks

    async def recount(self) -> int:
        """Counters that differ from their rows are set right; returns how many.

        The rows are locked first, so that no commit slips in between counting and writing.
        """
        mended = 0
        for noun in ("videos", "jobs"):
            async with self._database.transaction() as session:
                wrong = [row.id for row in await session.rows(_Id, f"lock_miscounted_{noun}")]
                mended += await session.execute(f"recount_{noun}", wrong) if wrong else 0
        return mended

    async def collect_finished(self) -> int:
        """Videos and jobs that are finished but were not collected get their task; returns how many."""
        videos = await self._database.execute("collect_finished_videos", None)
        return videos + await self._database.execute("collect_finished_jobs", None)


def _columns(lane: Lane) -> tuple[bool, Tier, int]:
    """How a lane's tasks are told in Postgres."""
    return lane.queue is Queue.RUNS, lane.tier, lane.project_id

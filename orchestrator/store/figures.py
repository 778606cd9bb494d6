"""How the tiers and projects are doing."""

from dataclasses import dataclass

from core.jobs import TaskKind, Tier
from orchestrator.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class TierFigures:
    """Runs of one tier and one project, or of a whole tier."""

    tier: Tier
    project: str | None
    """None: all projects of the tier."""
    waiting_runs: int
    waiting_frames: int
    in_flight_runs: int
    dwell_p50_s: float | None
    """From when a run was made until it was first taken, of the runs that ended lately; None: none did."""
    dwell_p99_s: float | None
    frames_per_s: float
    """Of the runs that ended lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCount:
    """Tasks of one kind in one state: `waiting`, `in_flight` or `set_aside`."""

    kind: TaskKind
    state: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolUse:
    """Connections to Postgres."""

    in_use: int
    idle: int
    possible: int
    """At most so many are opened."""


class FigureStore:
    """Reads figures."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tiers(self, window_s: float) -> list[TierFigures]:
        """Tiers and projects that have runs, or had some end in the last `window_s`; most urgent tier first.

        The figures of the whole tier come before those of its projects.
        """
        rows = await self._database.rows(TierFigures, "tier_figures", window_s)
        urgency = list(reversed(Tier))
        return sorted(rows, key=lambda row: (urgency.index(row.tier), row.project or ""))

    async def task_counts(self) -> list[TaskCount]:
        """Tasks that are not over, by kind and state."""
        return await self._database.rows(TaskCount, "task_counts")

    def pool_use(self) -> PoolUse:
        """Connections of this process, now."""
        pool = self._database.pool
        idle = pool.get_idle_size()
        return PoolUse(in_use=pool.get_size() - idle, idle=idle, possible=pool.get_max_size())

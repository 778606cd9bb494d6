"""How the tiers and projects are doing."""

from dataclasses import dataclass

from core.jobs import Tier
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

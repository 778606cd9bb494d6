"""Levers of the projects."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import NotFoundError
from core.jobs import Tier
from orchestrator.levers import change_levers
from orchestrator.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectLevers:
    """A project and what differs from the defaults of `orchestrator.levers.Levers`."""

    id: int
    name: str
    tier: Tier
    """Of new jobs."""
    levers: dict[str, object]
    cluster_url: str | None
    """The Triton that it runs on; None: each worker's own."""


class LeverStore:
    """Reads and changes levers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[ProjectLevers]:
        """Every project, in the order they were made."""
        return await self._database.rows(ProjectLevers, "project_levers")

    async def project_id(self, project_name: str) -> int:
        """Raises NotFoundError that names the projects there are."""
        ids = {project.name: project.id for project in await self.all()}
        if project_name not in ids:
            raise NotFoundError(f"expected a project among {', '.join(sorted(ids))}, got {project_name!r}")
        return ids[project_name]

    async def change(self, project_name: str, changes: Mapping[str, object]) -> None:
        """Set levers; None brings one back to its default. Raises NotFoundError, InvalidParameterError."""
        async with self._database.transaction() as session:
            project = await session.row(ProjectLevers, "lock_project_levers", project_name)
            if project is None:
                raise NotFoundError(f"there is no project {project_name!r}")
            await session.execute("set_project_levers", project.id, change_levers(project.levers, changes))

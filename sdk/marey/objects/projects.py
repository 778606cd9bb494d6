"""Projects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypedDict

import msgspec
from msgspec import UNSET, UnsetType

from marey.objects.collection import Kind, Objects


class ProjectQueue(TypedDict, total=False):
    """How a project's jobs queue: its tier, and the levers that differ from the defaults
    (docs/operations.md)."""

    tier: str
    """standard, priority or high_priority."""
    frame_batch_frames: int
    batches_per_run: int
    runs_in_flight: int | None
    partitions: int
    dedicated: bool
    max_attempts: int
    lease_s: float | None


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant: its jobs and their results are seen by nobody else."""

    id: int
    project_name: str
    project_cluster_url: str | None
    """host:port of the Triton that its frames are inferred on, one that the operator allows; None: the
    installation's own."""
    project_queue: ProjectQueue


PROJECT = Kind("project", Project)


class Projects(Objects):
    """Operations on projects."""

    def list_projects(
        self, *, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[Project]:
        """Projects. Sorts: id, project_name; `-` reverses."""
        return self._of(PROJECT).all({}, sort, page_size)

    async def get_project(self, project_id: int) -> Project:
        """A project."""
        return await self._of(PROJECT).read(project_id)

    async def create_project(
        self,
        *,
        project_name: str,
        project_cluster_url: str | None = None,
        project_queue: ProjectQueue | None = None,
    ) -> Project:
        """Make a project, with its tier and levers: `project_queue={"tier": "priority"}`."""
        values = {
            "project_name": project_name,
            "project_cluster_url": project_cluster_url,
            "project_queue": project_queue or {},
        }
        return await self._of(PROJECT).create(values)

    async def update_project(
        self,
        project: Project | int,
        *,
        project_name: str | UnsetType = UNSET,
        project_cluster_url: str | UnsetType | None = UNSET,
        project_queue: ProjectQueue | UnsetType = UNSET,
    ) -> Project:
        """Change a project. `project_queue` is replaced as a whole: what it leaves out gets its
        default.

        Given the object as it was read, and not its id: only if nobody else has changed it since
        (PreconditionFailedError).
        """
        changes = {
            "project_name": project_name,
            "project_cluster_url": project_cluster_url,
            "project_queue": project_queue,
        }
        return await self._of(PROJECT).update(project, changes)

    async def delete_project(self, project_id: int) -> None:
        """Remove a project. Refused while groups or jobs refer to it (ConflictError)."""
        await self._of(PROJECT).delete(project_id)

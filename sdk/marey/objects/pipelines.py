"""Pipelines."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import UNSET, UnsetType

from marey.objects.collection import Kind, Objects


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """What can be computed."""

    id: int
    pipeline_name: str
    pipeline_description: str
    pipeline_endpoint: str
    """The Triton ensemble."""


PIPELINE = Kind("pipeline", Pipeline)


class Pipelines(Objects):
    """Operations on pipelines."""

    def list_pipelines(
        self, *, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[Pipeline]:
        """Pipelines. Sorts: id, pipeline_name; `-` reverses."""
        return self._of(PIPELINE).all({}, sort, page_size)

    async def get_pipeline(self, pipeline_id: int) -> Pipeline:
        """A pipeline."""
        return await self._of(PIPELINE).read(pipeline_id)

    async def create_pipeline(
        self, *, pipeline_name: str, pipeline_endpoint: str, pipeline_description: str = ""
    ) -> Pipeline:
        """Make a pipeline. `pipeline_endpoint` is the Triton ensemble that computes it: `pose_2d`."""
        values = {
            "pipeline_name": pipeline_name,
            "pipeline_endpoint": pipeline_endpoint,
            "pipeline_description": pipeline_description,
        }
        return await self._of(PIPELINE).create(values)

    async def update_pipeline(
        self,
        pipeline: Pipeline | int,
        *,
        pipeline_name: str | UnsetType = UNSET,
        pipeline_endpoint: str | UnsetType = UNSET,
        pipeline_description: str | UnsetType = UNSET,
    ) -> Pipeline:
        """Change a pipeline.

        Given the object as it was read, and not its id: only if nobody else has changed it since
        (PreconditionFailedError).
        """
        changes = {
            "pipeline_name": pipeline_name,
            "pipeline_endpoint": pipeline_endpoint,
            "pipeline_description": pipeline_description,
        }
        return await self._of(PIPELINE).update(pipeline, changes)

    async def delete_pipeline(self, pipeline_id: int) -> None:
        """Remove a pipeline. Refused while jobs or parameters refer to it (ConflictError)."""
        await self._of(PIPELINE).delete(pipeline_id)

"""Sets of pipeline parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import UNSET, UnsetType

from marey.objects.collection import Kind, Objects


class PipelineParameterSet(msgspec.Struct, frozen=True, kw_only=True):
    """A named collection of parameters."""

    id: int
    pipeline_parameter_set_name: str


PIPELINE_PARAMETER_SET = Kind("pipeline_parameter_set", PipelineParameterSet)


class PipelineParameterSets(Objects):
    """Operations on parameter sets."""

    def list_pipeline_parameter_sets(
        self, *, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[PipelineParameterSet]:
        """Parameter sets. Sorts: id, pipeline_parameter_set_name; `-` reverses."""
        return self._of(PIPELINE_PARAMETER_SET).all({}, sort, page_size)

    async def get_pipeline_parameter_set(self, pipeline_parameter_set_id: int) -> PipelineParameterSet:
        """A parameter set."""
        return await self._of(PIPELINE_PARAMETER_SET).read(pipeline_parameter_set_id)

    async def create_pipeline_parameter_set(
        self, *, pipeline_parameter_set_name: str
    ) -> PipelineParameterSet:
        """Make an empty parameter set; `create_pipeline_parameters` fills it."""
        values = {"pipeline_parameter_set_name": pipeline_parameter_set_name}
        return await self._of(PIPELINE_PARAMETER_SET).create(values)

    async def update_pipeline_parameter_set(
        self,
        pipeline_parameter_set: PipelineParameterSet | int,
        *,
        pipeline_parameter_set_name: str | UnsetType = UNSET,
    ) -> PipelineParameterSet:
        """Change a set.

        Given the object as it was read, and not its id: only if nobody else has changed it since
        (PreconditionFailedError).
        """
        changes = {"pipeline_parameter_set_name": pipeline_parameter_set_name}
        return await self._of(PIPELINE_PARAMETER_SET).update(pipeline_parameter_set, changes)

    async def delete_pipeline_parameter_set(self, pipeline_parameter_set_id: int) -> None:
        """Remove a parameter set. Refused while groups or jobs refer to it (ConflictError)."""
        await self._of(PIPELINE_PARAMETER_SET).delete(pipeline_parameter_set_id)

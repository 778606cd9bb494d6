"""Pipeline parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import UNSET, UnsetType

from marey.objects.collection import Kind, Objects


class PipelineParameters(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter of a pipeline within a set."""

    id: int
    pipeline_id: int
    pipeline_parameter_set_id: int
    pipeline_parameters_name: str
    pipeline_parameters_value: object


PIPELINE_PARAMETERS = Kind("pipeline_parameters", PipelineParameters)


class PipelineParametersObjects(Objects):
    """Operations on the parameters within sets."""

    def list_pipeline_parameters(
        self,
        *,
        pipeline_id: int | None = None,
        pipeline_parameter_set_id: int | None = None,
        sort: str | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[PipelineParameters]:
        """Parameters, of one pipeline or set if given. Sorts: id, pipeline_parameters_name; `-` reverses."""
        filters = {"pipeline_id": pipeline_id, "pipeline_parameter_set_id": pipeline_parameter_set_id}
        return self._of(PIPELINE_PARAMETERS).all(filters, sort, page_size)

    async def get_pipeline_parameters(self, pipeline_parameters_id: int) -> PipelineParameters:
        """A parameter."""
        return await self._of(PIPELINE_PARAMETERS).read(pipeline_parameters_id)

    async def create_pipeline_parameters(
        self,
        *,
        pipeline_id: int,
        pipeline_parameter_set_id: int,
        pipeline_parameters_name: str,
        pipeline_parameters_value: object,
    ) -> PipelineParameters:
        """Put a parameter into a set: the default of its name for the set's groups."""
        values = {
            "pipeline_id": pipeline_id,
            "pipeline_parameter_set_id": pipeline_parameter_set_id,
            "pipeline_parameters_name": pipeline_parameters_name,
            "pipeline_parameters_value": pipeline_parameters_value,
        }
        return await self._of(PIPELINE_PARAMETERS).create(values)

    async def update_pipeline_parameters(
        self,
        pipeline_parameters: PipelineParameters | int,
        *,
        pipeline_id: int | UnsetType = UNSET,
        pipeline_parameter_set_id: int | UnsetType = UNSET,
        pipeline_parameters_name: str | UnsetType = UNSET,
        pipeline_parameters_value: object | UnsetType = UNSET,
    ) -> PipelineParameters:
        """Change a parameter.

        Given the object as it was read, and not its id: only if nobody else has changed it since
        (PreconditionFailedError).
        """
        changes = {
            "pipeline_id": pipeline_id,
            "pipeline_parameter_set_id": pipeline_parameter_set_id,
            "pipeline_parameters_name": pipeline_parameters_name,
            "pipeline_parameters_value": pipeline_parameters_value,
        }
        return await self._of(PIPELINE_PARAMETERS).update(pipeline_parameters, changes)

    async def delete_pipeline_parameters(self, pipeline_parameters_id: int) -> None:
        """Take a parameter out of its set."""
        await self._of(PIPELINE_PARAMETERS).delete(pipeline_parameters_id)

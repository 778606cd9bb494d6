"""User groups."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import UNSET, UnsetType

from marey.objects.collection import Kind, Objects


class UserGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Users of one project, with one set of default parameters."""

    id: int
    project_id: int
    pipeline_parameter_set_id: int
    user_group_name: str
    user_group_description: str


USER_GROUP = Kind("user_group", UserGroup)


class UserGroups(Objects):
    """Operations on user groups."""

    def list_user_groups(
        self,
        *,
        project_id: int | None = None,
        pipeline_parameter_set_id: int | None = None,
        sort: str | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[UserGroup]:
        """User groups, of one project or parameter set if given. Sorts: id, user_group_name; `-` reverses."""
        filters = {"project_id": project_id, "pipeline_parameter_set_id": pipeline_parameter_set_id}
        return self._of(USER_GROUP).all(filters, sort, page_size)

    async def get_user_group(self, user_group_id: int) -> UserGroup:
        """A user group."""
        return await self._of(USER_GROUP).read(user_group_id)

    async def create_user_group(
        self,
        *,
        project_id: int,
        pipeline_parameter_set_id: int,
        user_group_name: str,
        user_group_description: str = "",
    ) -> UserGroup:
        """Make a group of users who work in a project with a set of default parameters."""
        values = {
            "project_id": project_id,
            "pipeline_parameter_set_id": pipeline_parameter_set_id,
            "user_group_name": user_group_name,
            "user_group_description": user_group_description,
        }
        return await self._of(USER_GROUP).create(values)

    async def update_user_group(
        self,
        user_group: UserGroup | int,
        *,
        project_id: int | UnsetType = UNSET,
        pipeline_parameter_set_id: int | UnsetType = UNSET,
        user_group_name: str | UnsetType = UNSET,
        user_group_description: str | UnsetType = UNSET,
    ) -> UserGroup:
        """Change a user group.

        Given the object as it was read, and not its id: only if nobody else has changed it since
        (PreconditionFailedError).
        """
        changes = {
            "project_id": project_id,
            "pipeline_parameter_set_id": pipeline_parameter_set_id,
            "user_group_name": user_group_name,
            "user_group_description": user_group_description,
        }
        return await self._of(USER_GROUP).update(user_group, changes)

    async def delete_user_group(self, user_group_id: int) -> None:
        """Remove a user group. Refused while it has users (ConflictError)."""
        await self._of(USER_GROUP).delete(user_group_id)

"""Users."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import UNSET, UnsetType

from marey.objects.collection import Kind, Objects


class User(msgspec.Struct, frozen=True, kw_only=True):
    """Someone who works with the installation."""

    id: int
    user_name: str
    user_email: str
    group_id: int


USER = Kind("user", User)


class Users(Objects):
    """Operations on users."""

    def list_users(
        self, *, group_id: int | None = None, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[User]:
        """Users, of one group if it is given. Sorts: id, user_name, user_email; `-` reverses."""
        return self._of(USER).all({"group_id": group_id}, sort, page_size)

    async def get_user(self, user_id: int) -> User:
        """A user."""
        return await self._of(USER).read(user_id)

    async def create_user(self, *, user_name: str, user_email: str, group_id: int) -> User:
        """Make a user. The email is the user's alone."""
        values = {"user_name": user_name, "user_email": user_email, "group_id": group_id}
        return await self._of(USER).create(values)

    async def update_user(
        self,
        user: User | int,
        *,
        user_name: str | UnsetType = UNSET,
        user_email: str | UnsetType = UNSET,
        group_id: int | UnsetType = UNSET,
    ) -> User:
        """Change a user.

        Given the object as it was read, and not its id: only if nobody else has changed it since
        (PreconditionFailedError).
        """
        changes = {"user_name": user_name, "user_email": user_email, "group_id": group_id}
        return await self._of(USER).update(user, changes)

    async def delete_user(self, user_id: int) -> None:
        """Remove a user and its keys. Refused while jobs refer to it (ConflictError), and for the last
        administrator (LastAdministratorError)."""
        await self._of(USER).delete(user_id)

"""API keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from marey.objects.collection import Kind, Objects


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret."""

    id: int
    key_id: str
    """The first part of the key, after `mry_`."""
    user_id: int
    api_key_name: str
    role: str
    """admin or member."""
    created_at: datetime
    revoked_at: datetime | None


class IssuedApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, the only time that it is shown."""

    id: int
    user_id: int
    api_key_name: str
    role: str
    created_at: datetime
    api_key: str

    def __repr__(self) -> str:
        """Without the key: representations end up in logs."""
        return f"IssuedApiKey(id={self.id}, user_id={self.user_id}, role={self.role!r})"


API_KEY = Kind("api_key", ApiKey)
_ISSUED = Kind("api_key", IssuedApiKey)


class ApiKeys(Objects):
    """Operations on API keys."""

    def list_api_keys(
        self, *, user_id: int | None = None, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[ApiKey]:
        """Keys, of one user if he is given; revoked ones too. Sorts: id, api_key_name; `-` reverses."""
        return self._of(API_KEY).all({"user_id": user_id}, sort, page_size)

    async def get_api_key(self, api_key_id: int) -> ApiKey:
        """A key, without its secret."""
        return await self._of(API_KEY).read(api_key_id)

    async def create_api_key(
        self, *, user_id: int, role: str = "member", api_key_name: str = "key"
    ) -> IssuedApiKey:
        """Make a key for a user, of the role `member` or `admin`. It is shown this once."""
        values = {"user_id": user_id, "role": role, "api_key_name": api_key_name}
        return await self._of(_ISSUED).create(values)

    async def delete_api_key(self, api_key_id: int) -> None:
        """Revoke a key, from the next request on. It stays in the list. Refused for the last one of an
        administrator (LastAdministratorError)."""
        await self._of(API_KEY).delete(api_key_id)

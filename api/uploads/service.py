"""Leave to upload, and the upload itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from api.uploads.body import unstalled
from api.uploads.tokens import UploadGrant, new_grant, package_key, sign, verify
from core.errors import UploadTooLargeError, UploadUsedError
from orchestrator.objects import ObjectStore
from orchestrator.store import Tenant

CheckRoom = Callable[[int], Awaitable[None]]
"""Raises StorageFullError if so many bytes do not fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadLimits:
    """What an upload may be."""

    max_bytes: int = 4 << 30
    lifetime_s: int = 15 * 60
    """An upload must start within this time."""
    idle_s: float = 60.0
    """Longest pause between two pieces of a body."""


class Uploads:
    """Issues upload tokens and takes what is sent with them."""

    def __init__(
        self, objects: ObjectStore, secret: bytes, limits: UploadLimits, check_room: CheckRoom
    ) -> None:
        self._objects = objects
        self._secret = secret
        self._limits = limits
        self._check_room = check_room

    def issue(self, tenant: Tenant) -> tuple[str, UploadGrant]:
        """A token and what it allows."""
        grant = new_grant(
            tenant.project_id, self._limits.max_bytes, int(time.time()) + self._limits.lifetime_s
        )
        return sign(grant, self._secret), grant

    async def receive(self, token: str, body: AsyncIterator[bytes], announced_bytes: int | None) -> int:
        """Store a package under the token's key; returns its bytes. Raises UploadError leaves,
        StorageFullError.
        """
        grant = verify(token, self._secret, time.time())
        return await self._store(grant, body, announced_bytes or 0)

    async def take(
        self, tenant: Tenant, body: AsyncIterator[bytes], announced_bytes: int, idempotency_key: str | None
    ) -> str:
        """Store the package that comes with a job; returns its key.

        One that arrived whole with the same idempotency key is not read again. Raises UploadTooLargeError,
        UploadIncompleteError, StorageFullError.
        """
        _, grant = self.issue(tenant)
        if idempotency_key is not None:
            key = package_key(tenant.project_id, idempotency_key, self._secret)
            grant = msgspec.structs.replace(grant, key=key)
        with suppress(UploadUsedError):
            await self._store(grant, body, announced_bytes)
        return grant.key

    async def _store(self, grant: UploadGrant, body: AsyncIterator[bytes], announced_bytes: int) -> int:
        if announced_bytes > grant.max_bytes:
            raise UploadTooLargeError(f"expected at most {grant.max_bytes} bytes, got {announced_bytes}")
        await self._check_room(announced_bytes)
        if await asyncio.to_thread(self._objects.exists, grant.key):
            raise UploadUsedError
        pieces = unstalled(body, self._limits.idle_s)
        return await self._objects.receive(grant.key, pieces, grant.max_bytes)

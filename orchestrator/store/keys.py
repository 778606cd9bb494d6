"""API keys at rest."""

from dataclasses import dataclass

from core.errors import NotFoundError
from orchestrator.store.constraints import constraint_errors
from orchestrator.store.database import Database
from orchestrator.store.tenants import Tenant, TenantDatabase

INSTALLATION = Tenant(project_id=0, user_id=0, is_admin=True)
"""Whoever installs Marey, before there is any key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOwner:
    """Whom a key belongs to, and what it must be compared with."""

    digest: bytes
    role: str
    user_id: int
    project_id: int


class KeyStore:
    """Finds and revokes keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owner(self, key_id: str) -> KeyOwner | None:
        """Whom the key belongs to; None if there is none or it was revoked."""
        return await self._database.row(KeyOwner, "key_owner", key_id)

    async def revoke(self, tenant: Tenant, number: int) -> None:
        """The key opens nothing any more. Raises NotFoundError, LastAdministratorError."""
        database = TenantDatabase(self._database, tenant)
        with constraint_errors({}):
            revoked = await database.execute("revoke_key", tenant.project_id, tenant.is_admin, number)
        if not revoked:
            raise NotFoundError(f"there is no api_key {number}")

    async def keep_admin_key(self, key_id: str, digest: bytes) -> None:
        """See to it that the installation's first user has this administrator's key. Raises StoreError.

        A key that was revoked stays so.
        """
        database = TenantDatabase(self._database, INSTALLATION)
        await database.execute("keep_key", "first key", "admin", key_id, digest)

"""What the API sees of the store: one tenant at a time, under row-level security."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from orchestrator.store.database import Database, Session

T = TypeVar("T")
API_ROLE = "marey_api"
"""The Postgres role that row-level security holds for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """Who asks."""

    project_id: int
    user_id: int
    is_admin: bool
    """Administrators see and change the whole catalogue; jobs and videos only of their own project."""


class TenantDatabase(Database):
    """A database of which one tenant's rows are visible."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        super().__init__(database.pool)
        self._tenant = tenant

    async def rows(self, shape: type[T], name: str, *arguments: object) -> list[T]:
        """Every row that the statement returns."""
        async with self.transaction() as session:
            return await session.rows(shape, name, *arguments)

    async def row(self, shape: type[T], name: str, *arguments: object) -> T | None:
        """The first row that the statement returns."""
        async with self.transaction() as session:
            return await session.row(shape, name, *arguments)

    async def execute(self, name: str, *arguments: object) -> int:
        """Number of rows that the statement inserted, changed or deleted."""
        async with self.transaction() as session:
            return await session.execute(name, *arguments)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Statements that take effect together or not at all, as this tenant."""
        async with super().transaction() as session:
            await session.execute("enter_tenant", self._tenant.project_id, self._tenant.is_admin)
            yield session

"""What the API sees of the store: one tenant at a time, under row-level security.

A read enters as its tenant and reads in one statement, so in one round trip (ADR 9).
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
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


@cache
def reading(statement: str) -> str:
    """A SELECT that becomes a tenant's: its last two arguments, after its own, say whose and whether an
    administrator's.

    The subquery needs what entering returns, and `OFFSET 0` keeps it a subquery: no plan reads before it has
    entered. Should one do so, row-level security shows it nothing.
    """
    own = max((int(number) for number in re.findall(r"\$(\d+)", statement)), default=0)
    return (
        "WITH entered AS MATERIALIZED (SELECT"
        f" set_config('marey.tenant', ${own + 1}::bigint::text, true) AS tenant,"
        f" set_config('marey.admin', ${own + 2}::boolean::text, true) AS admin)"
        " SELECT found.* FROM entered CROSS JOIN LATERAL ("
        f"SELECT asked.* FROM ({statement.rstrip(';')}) AS asked"
        " WHERE entered.tenant IS NOT NULL AND entered.admin IS NOT NULL OFFSET 0) AS found"
    )


class TenantDatabase(Database):
    """A database of which one tenant's rows are visible."""

    def __init__(self, database: Database, tenant: Tenant) -> None:
        super().__init__(database.pool)
        self._tenant = tenant

    async def rows(self, shape: type[T], name: str, *arguments: object) -> list[T]:
        """Every row that a SELECT returns."""
        return await super().rows(shape, name, *arguments, self._tenant.project_id, self._tenant.is_admin)

    async def row(self, shape: type[T], name: str, *arguments: object) -> T | None:
        """The first row that a SELECT returns."""
        return await super().row(shape, name, *arguments, self._tenant.project_id, self._tenant.is_admin)

    def _statement(self, name: str) -> str:
        return reading(super()._statement(name))

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

"""Lists, reads and writes resources, for one tenant at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from core.errors import NotFoundError
from orchestrator.store.constraints import constraint_errors
from orchestrator.store.database import Database, Session
from orchestrator.store.resources import Resource
from orchestrator.store.tenants import Tenant, TenantDatabase

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which rows of a list, in which order."""

    limit: int = 20
    sort: str = "id"
    direction: str = "asc"
    after: tuple[str | int, int] | None = None
    """The value of `sort` and the id of the last row before."""
    parents: Mapping[str, int] = field(default_factory=dict)


class Catalogue:
    """What the API does with resources. An object that a tenant may not see is not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self, tenant: Tenant, resource: Resource[T], window: Window) -> list[T]:
        """The rows of a list."""
        value, last_id = window.after or (None, None)
        parents = [window.parents.get(name) for name in resource.parents]
        name = f"{resource.table}.list.{window.sort}.{window.direction}"
        arguments = (*_scope(tenant), window.limit, value, last_id, *parents)
        return await self._as(tenant).rows(resource.row, name, *arguments)

    async def read(self, tenant: Tenant, resource: Resource[T], object_id: int) -> T:
        """One object. Raises NotFoundError."""
        name = f"{resource.table}.read"
        row = await self._as(tenant).row(resource.row, name, *_scope(tenant), object_id)
        return _found(row, resource, object_id)

    async def create(self, tenant: Tenant, resource: Resource[T], values: Mapping[str, object]) -> T:
        """A new object. Raises ConflictError, InvalidParameterError."""
        arguments = [values[name] for name in resource.writes]
        with constraint_errors(values):
            async with self._as(tenant).transaction() as session:
                row = await session.row(resource.row, f"{resource.table}.insert", *arguments)
        assert row is not None
        return row

    async def replace(
        self,
        tenant: Tenant,
        resource: Resource[T],
        object_id: int,
        values: Mapping[str, object],
        check: Callable[[T], None],
    ) -> T:
        """The object with new values, unless `check` raises for what is there.

        Raises NotFoundError, ConflictError, InvalidParameterError.
        """
        arguments = (*_scope(tenant), object_id, *(values[name] for name in resource.writes))
        with constraint_errors(values):
            async with self._as(tenant).transaction() as session:
                check(await _locked(session, tenant, resource, object_id))
                row = await session.row(resource.row, f"{resource.table}.update", *arguments)
        return _found(row, resource, object_id)

    async def delete(
        self, tenant: Tenant, resource: Resource[T], object_id: int, check: Callable[[T], None]
    ) -> None:
        """Remove the object, unless `check` raises for what is there.

        Raises NotFoundError; ConflictError while something refers to it; LastAdministratorError.
        """
        with constraint_errors({}):
            async with self._as(tenant).transaction() as session:
                check(await _locked(session, tenant, resource, object_id))
                await session.execute(f"{resource.table}.delete", *_scope(tenant), object_id)

    def _as(self, tenant: Tenant) -> TenantDatabase:
        return TenantDatabase(self._database, tenant)


async def _locked(session: Session, tenant: Tenant, resource: Resource[T], object_id: int) -> T:
    row = await session.row(resource.row, f"{resource.table}.lock", *_scope(tenant), object_id)
    return _found(row, resource, object_id)


def _scope(tenant: Tenant) -> tuple[int, bool]:
    return tenant.project_id, tenant.is_admin


def _found(row: T | None, resource: Resource[T], object_id: int) -> T:
    if row is None:
        raise NotFoundError(f"there is no {resource.table} {object_id}")
    return row

"""Constraints of the schema that a request runs into."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg

from core.errors import ConflictError, InvalidParameterError, LastAdministratorError, MareyError, StoreError
from orchestrator.refusals import shown

_LAST_ADMINISTRATOR = "last_administrator"
"""Told by the trigger of migration 0011."""


@contextmanager
def constraint_errors(values: Mapping[str, object]) -> Iterator[None]:
    """Raise what a constraint refuses as a mistake of the request, not as a failure of Postgres.

    `values` are those that were written, by column.
    """
    try:
        yield
    except StoreError as error:
        refusal = _refusal(error.__cause__, values)
        if refusal is None:
            raise
        raise refusal from error


def violates(error: StoreError, index: str) -> bool:
    """Whether the unique index of this name refused what was sent."""
    refusal = error.__cause__
    return isinstance(refusal, asyncpg.UniqueViolationError) and refusal.constraint_name == index


def _refusal(error: BaseException | None, values: Mapping[str, object]) -> MareyError | None:
    """Row-level security keeps Postgres from telling values, so the constraints' names tell the columns."""
    if isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == _LAST_ADMINISTRATOR:
        return LastAdministratorError()
    if isinstance(error, asyncpg.UniqueViolationError):
        column = _column(error, "_key")
        return ConflictError(f"expected a new {column}, got one that exists already{_named(values, column)}")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        if "is not present" in (error.detail or ""):
            column = _column(error, "_fkey")
            return InvalidParameterError(f"{column}: expected one that exists, got {shown(values[column])}")
        return ConflictError(f"expected an object that is not in use, {error.table_name} objects refer to it")
    return None


def _named(values: Mapping[str, object], column: str) -> str:
    """Nothing where a constraint has several columns."""
    return f": {shown(values[column])}" if column in values else ""


def _column(error: asyncpg.PostgresError, suffix: str) -> str:
    """`user_user_email_key` of table `user` -> `user_email`."""
    return str(error.constraint_name).removeprefix(f"{error.table_name}_").removesuffix(suffix)

"""Constraints of the schema that a request runs into."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from core.errors import ConflictError, InvalidParameterError, LastAdministratorError, MareyError, StoreError

_LAST_ADMINISTRATOR = "last_administrator"
"""Told by the trigger of migration 0011."""


@contextmanager
def constraint_errors() -> Iterator[None]:
    """Raise what a constraint refuses as a mistake of the request, not as a failure of Postgres."""
    try:
        yield
    except StoreError as error:
        refusal = _refusal(error.__cause__)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: BaseException | None) -> MareyError | None:
    """Row-level security keeps Postgres from telling values, so the constraints' names tell the columns."""
    if isinstance(error, asyncpg.CheckViolationError) and error.constraint_name == _LAST_ADMINISTRATOR:
        return LastAdministratorError()
    if isinstance(error, asyncpg.UniqueViolationError):
        return ConflictError(f"expected a new {_column(error, '_key')}, got one that exists already")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        if "is not present" in (error.detail or ""):
            return InvalidParameterError(f"{_column(error, '_fkey')}: expected one that exists, got another")
        return ConflictError(f"expected an object that is not in use, {error.table_name} objects refer to it")
    return None


def _column(error: asyncpg.PostgresError, suffix: str) -> str:
    """`user_user_email_key` of table `user` -> `user_email`."""
    return str(error.constraint_name).removeprefix(f"{error.table_name}_").removesuffix(suffix)

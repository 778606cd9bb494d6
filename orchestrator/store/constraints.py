"""Constraints of the schema that a request runs into."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from core.errors import ConflictError, InvalidParameterError, MareyError, StoreError


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
    if isinstance(error, asyncpg.UniqueViolationError):
        return ConflictError(f"{error.table_name}: {error.detail}")
    if isinstance(error, asyncpg.ForeignKeyViolationError):
        missing = "is not present" in (error.detail or "")
        return (InvalidParameterError if missing else ConflictError)(error.detail)
    return None

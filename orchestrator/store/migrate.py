"""Brings a database to the current schema: numbered scripts, each applied once. There never was a 0007."""

import asyncpg

from core.errors import ConfigurationError
from orchestrator.store.database import opening_errors
from orchestrator.store.queries import load_migrations

_LOCK_KEY = 7_237_081_554
"""Advisory lock: two processes that start together do not migrate at once."""
_CREATE_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


async def migrate(url: str) -> tuple[str, ...]:
    """Apply what is missing, in one transaction; return the names of the scripts that were applied.

    Raises ConfigurationError if the database is newer than this program or refuses it, StoreError if Postgres
    fails.
    """
    with opening_errors():
        connection = await asyncpg.connect(url, timeout=10)
        try:
            async with connection.transaction():
                return await _apply_missing(connection)
        finally:
            await connection.close()


async def _apply_missing(connection: asyncpg.Connection) -> tuple[str, ...]:
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
    await connection.execute(_CREATE_LEDGER)
    rows = await connection.fetch("SELECT name FROM schema_migration")
    missing = missing_migrations(tuple(load_migrations()), {row["name"] for row in rows})
    for name in missing:
        await connection.execute(load_migrations()[name])
        await connection.execute("INSERT INTO schema_migration (name) VALUES ($1)", name)
    return missing


def missing_migrations(known: tuple[str, ...], applied: set[str]) -> tuple[str, ...]:
    """The known scripts that were not applied, in order."""
    unknown = applied.difference(known)
    if unknown:
        raise ConfigurationError(
            f"the database has migrations {sorted(unknown)} that this version of Marey does not know: "
            "update Marey or use another database"
        )
    return tuple(name for name in known if name not in applied)

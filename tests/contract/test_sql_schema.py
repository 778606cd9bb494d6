"""The SQL files agree with each other and with Postgres."""

from enum import StrEnum

import asyncpg
import pytest

from core.errors import ConfigurationError, StoreError
from core.jobs import BatchStatus, JobStatus, TaskKind, TaskStatus, Tier, VideoStatus
from orchestrator.store.migrate import migrate, missing_migrations
from orchestrator.store.queries import load_migrations, load_queries

ORIGINAL_TABLES = {
    "user", "user_group", "project", "pipeline", "pipeline_parameter_set", "pipeline_parameters", "video",
    "frame_batch", "job",
}  # fmt: skip


async def test_every_query_prepares(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        for name, sql in load_queries().items():
            statement = await connection.prepare(sql)
            assert statement.get_query() == sql, name
    finally:
        await connection.close()


async def test_migrations_are_applied_once(empty_database_url: str) -> None:
    assert await migrate(empty_database_url) == tuple(load_migrations())
    assert await migrate(empty_database_url) == ()


async def test_schema_has_the_original_tables(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    finally:
        await connection.close()
    assert {row["tablename"] for row in rows} == ORIGINAL_TABLES | {"task", "schema_migration"}


@pytest.mark.parametrize(
    ("table", "column", "values"),
    [
        ("job", "status", JobStatus),
        ("video", "status", VideoStatus),
        ("frame_batch", "status", BatchStatus),
        ("task", "status", TaskStatus),
        ("task", "kind", TaskKind),
        ("task", "tier", Tier),
        ("job", "tier", Tier),
        ("project", "project_queue", Tier),
    ],
)
async def test_checks_allow_the_words_of_the_code(
    database_url: str, table: str, column: str, values: type[StrEnum]
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        constraint = await connection.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1",
            f"{table}_{column}_check",
        )
    finally:
        await connection.close()
    allowed = {part for index, part in enumerate(constraint.split("'")) if index % 2}
    assert allowed == {str(value) for value in values}


def test_a_newer_database_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="0009_future"):
        missing_migrations(("0001_a.sql",), {"0001_a.sql", "0009_future.sql"})


async def test_no_postgres_is_a_store_error() -> None:
    with pytest.raises(StoreError, match="does not answer"):
        await migrate("postgresql://postgres@/marey?host=/nonexistent")

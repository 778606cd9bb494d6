"""The SQL files agree with each other and with Postgres."""

from dataclasses import replace
from enum import StrEnum

import asyncpg
import pytest

from core.errors import ConfigurationError, NotFoundError, StoreError
from core.jobs import BatchStatus, JobStatus, TaskKind, TaskStatus, Tier, VideoStatus
from orchestrator.store import API_ROLE, JobRequest, Store, Tenant
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
    assert {row["tablename"] for row in rows} == ORIGINAL_TABLES | {
        "api_key", "rate_bucket", "task", "schema_migration",
    }  # fmt: skip


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


async def test_an_owner_without_privileges_sees_all_and_the_api_one_project(empty_database_url: str) -> None:
    """The roles of a Postgres that is not the embedded one, as docs/accounts.md describes them."""
    superuser = await asyncpg.connect(empty_database_url)
    owner_url = empty_database_url.replace("//postgres@", "//marey_owner@")
    api_url = empty_database_url.replace("//postgres@", "//marey_rest@")
    assert len({empty_database_url, owner_url, api_url}) == 3
    try:
        await superuser.execute("CREATE USER marey_owner; GRANT marey_api TO marey_owner")
        await superuser.execute(
            "CREATE USER marey_rest IN ROLE marey_api; ALTER SCHEMA public OWNER TO marey_owner"
        )
        await migrate(owner_url)
        async with Store.open(owner_url, 2) as owner, Store.open(api_url, 2, API_ROLE) as api:
            mine = Tenant(project_id=1, user_id=1, is_admin=False)
            request = JobRequest(pipeline_name="pose_2d", input_key="k")
            job_id = await api.jobs.create(mine, request)
            assert (await owner.flow.job_source(job_id)).id == job_id
            theirs = replace(mine, project_id=2)
            with pytest.raises(NotFoundError):
                await api.jobs.job(theirs, job_id)
    finally:
        await superuser.execute(
            "DROP OWNED BY marey_owner CASCADE; DROP OWNED BY marey_rest; DROP USER marey_owner, marey_rest"
        )
        await superuser.close()

"""A read that enters as its tenant in the same statement: right under every plan, leaving nothing behind."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from orchestrator.store import API_ROLE, JobRequest, Store, Tenant
from orchestrator.store.queries import load_queries
from orchestrator.store.tenants import reading

SWITCHES = (
    "bitmapscan", "hashagg", "hashjoin", "indexonlyscan", "indexscan", "material", "memoize", "mergejoin",
    "nestloop", "seqscan", "sort",
)  # fmt: skip
MINE = Tenant(project_id=1, user_id=1, is_admin=True)
LIST = (10, None, None, None, None, None)


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """As the API's role, with five jobs of project 1."""
    async with Store.open(database_url, role=API_ROLE) as store:
        for _ in range(5):
            await store.jobs.create(MINE, JobRequest(pipeline_name="pose_2d", input_key="k"))
    opened = await asyncpg.connect(database_url, server_settings={"role": API_ROLE})
    try:
        yield opened
    finally:
        await opened.close()


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("switch", SWITCHES)
async def test_every_plan_enters_first(connection: asyncpg.Connection, switch: str, mode: str) -> None:
    await connection.execute(f"SET enable_{switch} = off; SET plan_cache_mode = {mode}")
    one, page = reading(load_queries()["job_view"]), reading(load_queries()["job.list.id.desc"])
    assert (await connection.fetchrow(one, 1, 3, 1, True))["id"] == 3
    ids = [row["id"] for row in await connection.fetch(page, 1, True, *LIST, 1, True)]
    assert ids == [5, 4, 3, 2, 1]
    assert await connection.fetch(page, 1, True, *LIST, 2, True) == []
    assert await connection.fetchrow(one, 1, 3, 2, False) is None
    assert await connection.fetchval("SELECT coalesce(current_setting('marey.tenant', true), '')") == ""


async def test_not_entering_shows_nothing(connection: asyncpg.Connection) -> None:
    assert await connection.fetch(load_queries()["job.list.id.desc"], 1, True, *LIST) == []


async def test_a_job_and_its_videos_are_of_one_moment(database_url: str) -> None:
    """Both are counted up together as often as can be while they are read."""
    together = (
        "WITH counted AS (UPDATE job SET videos_total = videos_total + 1 WHERE id = 1)"
        " UPDATE video SET frames_total = frames_total + 1 WHERE job_id = 1"
    )
    async with Store.open(database_url, role=API_ROLE) as store, asyncpg.create_pool(database_url) as writer:
        await store.jobs.create(MINE, JobRequest(pipeline_name="pose_2d", input_key="k"))
        await writer.execute(
            "INSERT INTO video (job_id, video_name, video_results_path) VALUES (1, 'v', 'r')"
        )

        async def count() -> None:
            while True:
                await writer.execute(together)

        counting = asyncio.create_task(count())
        seen = [await store.jobs.snapshot(MINE, 1) for _ in range(300)]
        assert counting.cancel(), "it ended before"
    counts = [(job.videos_total, video.frames_total) for job in seen for video in job.videos]
    assert len(set(counts)) > 10
    assert all(videos == frames for videos, frames in counts)

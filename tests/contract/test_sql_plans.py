"""How Postgres reads a queue, whose statistics are always old."""

import asyncpg

from orchestrator.store.queries import load_queries

RUNS = """
INSERT INTO task (kind, job_id, video_id, project_id, tier, first_frame, last_frame, frame_count)
SELECT 'infer', v.job_id, v.id, v.project_id, 'standard', 32 * i, 32 * i + 31, 32
FROM video v, generate_series(1, $2::int) AS i WHERE v.project_id = $1
"""
PROJECTS = """
WITH made AS (INSERT INTO project (project_name) SELECT 'p' || i FROM generate_series(1, 40) i RETURNING id),
jobs AS (
    INSERT INTO job (user_id, project_id, pipeline_id, pipeline_parameter_set_id, tier, job_parameters,
                     input_key)
    SELECT 1, id, 1, 1, 'standard', '{}', 'k' FROM made RETURNING id
)
INSERT INTO video (job_id, video_name, video_results_path) SELECT id, 'v', 'r' FROM jobs RETURNING project_id
"""


async def test_the_relay_reads_no_more_than_it_takes(database_url: str) -> None:
    """Also where the statistics are from a time when one project had everything."""
    connection = await asyncpg.connect(database_url)
    try:
        first, *others = [row["project_id"] for row in await connection.fetch(PROJECTS)]
        await connection.execute(RUNS, first, 20_000)
        await connection.execute("ANALYZE")
        for project in others:
            await connection.execute(RUNS, project, 20)
        plan = await connection.fetch("EXPLAIN " + load_queries()["pick_ready"], 32, 32, 256)
    finally:
        await connection.close()
    reads = [line for (line,) in plan if " on task" in line]
    assert reads
    for line in reads:
        assert "using task_ready" in line or "using task_sent" in line or "using task_leased" in line

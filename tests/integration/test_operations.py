"""The operator's commands on a real database."""

import asyncio
import json

import asyncpg
import msgspec
from click.testing import CliRunner, Result
from marey.cli.session import EXIT_FAILED, EXIT_NOT_FOUND

from core.jobs import Tier
from deploy.clusters import clusters
from deploy.operations import levers, tiers
from tests.services.backlogs import add_runs, make_project, relaying, worker
from tests.services.orchestrator import System


def run_levers(database_url: str, *arguments: str) -> Result:
    """`marey levers ...`."""
    return CliRunner().invoke(levers, arguments, env={"MAREY_DATABASE_URL": database_url})


def test_levers_are_shown_and_changed(database_url: str) -> None:
    assert run_levers(database_url).output == "default (standard): defaults\n"
    changed = run_levers(database_url, "default", "partitions=4", "dedicated=true")
    assert changed.exit_code == 0
    rows = [line.split() for line in changed.output.splitlines()]
    assert ["partitions", "4", "256"] in rows
    assert ["lease_s", "-", "-"] in rows
    assert run_levers(database_url).output == "default (standard): dedicated=true, partitions=4\n"
    (project,) = json.loads(run_levers(database_url, "--json").output)
    assert (project["name"], project["levers"]) == ("default", {"dedicated": True, "partitions": 4})
    run_levers(database_url, "default", "partitions=default", "dedicated=default")
    assert run_levers(database_url).output == "default (standard): defaults\n"


def test_what_is_wrong_is_told(database_url: str) -> None:
    for arguments, exit_code, said in (
        (("lab",), EXIT_NOT_FOUND, "there is no project 'lab'"),
        (("default", "partition=4"), EXIT_FAILED, "expected names among frame_batch_frames"),
        (("default", "partitions=0"), EXIT_FAILED, "partitions"),
    ):
        result = run_levers(database_url, *arguments)
        assert result.exit_code == exit_code
        assert said in result.output


def test_clusters_are_asked_and_shown(database_url: str) -> None:
    def shown(*options: str, **environment: str) -> str:
        environment = {"MAREY_DATABASE_URL": database_url, "COLUMNS": "200", **environment}
        return CliRunner().invoke(clusters, options, env=environment).output

    assert "Every project runs on the installation's own Triton" in shown()
    asyncio.run(run_on(database_url, "UPDATE project SET project_cluster_url = '127.0.0.1:10'"))
    allowed, other = shown(MAREY_CLUSTER_URLS="127.0.0.1:9").splitlines()[-1:0:-1]
    assert allowed.startswith("127.0.0.1:9   -         inference_unavailable")
    assert other.startswith("127.0.0.1:10  default   cluster_not_allowed")
    (told,) = json.loads(shown("--json"))
    assert (told["url"], told["projects"], told["code"]) == (
        "127.0.0.1:10", ["default"], "cluster_not_allowed",
    )  # fmt: skip


async def test_tiers_shows_what_waits_and_what_ended(system: System) -> None:
    busy = await make_project(system, "busy", Tier.PRIORITY)
    await add_runs(system, busy, runs=10, frames=30)
    await add_runs(system, await make_project(system, "idle", Tier.PRIORITY), runs=2)
    await system.store.levers.change("idle", {"dedicated": True})
    async with relaying(system), worker(system) as turns:
        await turns.has_begun(1)
        await turns.work(3)
        await run_sql(
            system, "UPDATE task SET created_at = started_at - interval '7 s' WHERE status = 'done'"
        )
        environment = {"MAREY_DATABASE_URL": system.settings.database_url}
        command = asyncio.to_thread(CliRunner().invoke, tiers, ["--json", "--window=90"], env=environment)
        rows = msgspec.json.decode((await command).output)
        table = (await asyncio.to_thread(CliRunner().invoke, tiers, env=environment)).output
    figures = {row.pop("project"): row for row in rows}
    ended = {"tier": "priority", "dwell_p50_s": 7.0, "dwell_p99_s": 7.0, "frames_per_s": 1.0}
    never = {"dwell_p50_s": None, "dwell_p99_s": None, "frames_per_s": 0.0}
    assert figures == {
        None: ended | {"waiting_runs": 8, "waiting_frames": 244, "in_flight_runs": 1},
        "busy": ended | {"waiting_runs": 6, "waiting_frames": 180, "in_flight_runs": 1},
        "idle": ended | never | {"waiting_runs": 2, "waiting_frames": 64, "in_flight_runs": 0},
    }
    assert [line.split()[:3] for line in table.splitlines()[1:]] == [
        ["priority", "all", "8"],
        ["busy", "6", "1"],
        ["idle", "2", "0"],
    ]


async def run_sql(system: System, statement: str) -> None:
    """Run one statement."""
    await run_on(system.settings.database_url, statement)


async def run_on(database_url: str, statement: str) -> None:
    """The same on any database."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

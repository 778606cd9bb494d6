"""The embedded PostgreSQL and nats-server as the orchestrator needs them."""

import asyncio
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from deploy.embedded.nats import nats_command
from deploy.embedded.postgres import binary, postgres_command, postgres_url, socket_dir
from tests.services.running import running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other system users may reach."""
    with tempfile.TemporaryDirectory(prefix="marey-test-") as name:
        yield Path(name)


def run_sql(data: Path, sql: str) -> object:
    """Start the cluster, run one statement, stop the cluster."""

    async def fetch() -> object:
        connection = await asyncpg.connect(postgres_url(data))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    def is_ready() -> bool:
        command = [str(binary("pg_isready")), "-q", "-h", str(socket_dir(data)), "-U", "postgres"]
        return subprocess.run(command, check=False, timeout=10).returncode == 0

    with running(postgres_command(data), data.with_name("log"), is_ready):
        return asyncio.run(fetch())


def test_data_outlive_a_restart_and_a_killed_first_start(folder: Path) -> None:
    data = folder / "data"
    (folder / "data.new").mkdir()
    (folder / "data.new" / "half").write_text("of a cluster")
    run_sql(data, "CREATE TABLE kept AS SELECT 7 AS number")
    assert run_sql(data, "SELECT number FROM kept") == 7
    assert run_sql(data, "SHOW fsync") == "on"
    assert sorted(path.name for path in folder.iterdir()) == ["data", "data-socket", "log"]


def test_a_long_path_still_has_a_socket(folder: Path) -> None:
    data = folder / ("long" * 30) / "data"
    assert len(str(socket_dir(data))) < 90
    assert socket_dir(data) == socket_dir(data)
    assert socket_dir(data) != socket_dir(data.with_name("other"))


def test_nats_syncs_always_and_has_a_bounded_store(tmp_path: Path) -> None:
    command = nats_command(tmp_path / "store", 4333)
    config = json.loads(Path(command.argv[-1]).read_text())
    assert (config["host"], config["port"]) == ("127.0.0.1", 4333)
    assert config["jetstream"]["sync_interval"] == "always"
    assert config["jetstream"]["max_file_store"] > 0
    assert config["jetstream"]["store_dir"] == str(tmp_path / "store")

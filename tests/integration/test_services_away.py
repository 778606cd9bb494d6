"""Postgres and NATS that run elsewhere and do not answer when a process starts."""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from marey.cli.session import EXIT_UNREACHABLE

from core.errors import ConfigurationError
from deploy.embedded.nats import nats_command, nats_url
from deploy.embedded.postgres import postgres_command, postgres_url, socket_dir
from orchestrator.bus import Bus
from orchestrator.opening import patiently
from orchestrator.store import Store
from tests.services import stacks
from tests.services.processes import MareyProcess, marey_process
from tests.services.running import answers, free_port, running
from tests.services.triton import TritonServer
from tests.services.waiting import until

pytestmark = pytest.mark.timeout(180)
STOP_S, START_S = 10.0, 60.0
PROCESSES = {
    "orchestrator": "waiting for Postgres and NATS: Postgres does not answer",
    "worker": "waiting for Postgres and NATS: Postgres does not answer",
    "api": "waiting for Postgres: Postgres does not answer",
}


@pytest.fixture
def data() -> Iterator[Path]:
    """For PostgreSQL, whose user may not enter pytest's folder."""
    with tempfile.TemporaryDirectory(prefix="marey-away-") as folder:
        yield Path(folder, "data")


def environment(data: Path, nats_port: int, triton_url: str, folder: Path) -> dict[str, str]:
    """Where the services will be."""
    return {
        "MAREY_DATABASE_URL": postgres_url(data),
        "MAREY_NATS_URL": nats_url(nats_port),
        "MAREY_TRITON_URL": triton_url,
        "MAREY_STORE_URL": (folder / "objects").as_uri(),
    }


def waits(process: MareyProcess) -> list[str]:
    """What a process has said that it waits for."""
    lines = [json.loads(line) for line in process.log.read_text().splitlines()]
    return [line["message"] for line in lines if line.get("action") == "wait"]


def test_processes_wait_for_postgres_and_nats(data: Path, tmp_path: Path, probe_triton: TritonServer) -> None:
    nats_port, api_port = free_port(), free_port()
    found = environment(data, nats_port, probe_triton.url, tmp_path)
    with ExitStack() as stack:
        processes = {
            role: stack.enter_context(
                marey_process(role, {**found, "MAREY_API_PORT": str(api_port)}, tmp_path, says=says)
            )
            for role, says in PROCESSES.items()
        }
        nats = nats_command(tmp_path / "nats", nats_port)
        stack.enter_context(running(nats, tmp_path / "nats.log", lambda: answers(nats_port)))
        socket = socket_dir(data) / ".s.PGSQL.5432"
        stack.enter_context(running(postgres_command(data), tmp_path / "postgres.log", socket.exists))
        until(lambda: len(list(tmp_path.glob("*.ready"))) == 2, START_S)
        until(lambda: answers(api_port), START_S)
        for role, says in PROCESSES.items():
            assert processes[role].process.poll() is None
            assert sum(says in wait for wait in waits(processes[role])) == 1
        for process in processes.values():
            process.process.send_signal(signal.SIGTERM)
            assert process.ended(STOP_S) == 0


@pytest.mark.parametrize("role", PROCESSES)
def test_a_process_that_waits_can_be_stopped(
    role: str, data: Path, tmp_path: Path, probe_triton: TritonServer
) -> None:
    found = environment(data, free_port(), probe_triton.url, tmp_path)
    with marey_process(
        role, {**found, "MAREY_API_PORT": str(free_port())}, tmp_path, says=PROCESSES[role]
    ) as process:
        process.process.send_signal(signal.SIGTERM)
        assert process.ended(STOP_S) in (0, -signal.SIGTERM)


def test_a_stack_does_not_start_without_what_runs_elsewhere(tmp_path: Path) -> None:
    """A URL that is wrong is told soon."""
    command = [stacks.MAREY, "up", "--home", str(tmp_path / "home")]
    nowhere = {"MAREY_DATABASE_URL": "postgresql://me:secret@127.0.0.1:9/marey"}
    result = subprocess.run(
        command, env={**os.environ, **nowhere}, capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == EXIT_UNREACHABLE
    assert result.stderr.startswith("Error: Postgres does not answer: ConnectionRefusedError")
    assert "secret" not in result.stderr


async def test_a_database_that_is_not_there_is_not_waited_for(postgres_data: Path) -> None:
    with pytest.raises(ConfigurationError, match='database "nowhere" does not exist'):
        async with Store.open(postgres_url(postgres_data, "nowhere")):
            pass


async def test_a_nats_server_that_refuses_us_is_not_waited_for(tmp_path: Path) -> None:
    port = free_port()
    command = nats_command(tmp_path / "nats", port)
    config = tmp_path / "nats" / "nats.conf"
    authorization = {"authorization": {"user": "marey", "password": "right"}}
    config.write_text(json.dumps(json.loads(config.read_text()) | authorization))
    with running(command, tmp_path / "nats.log", lambda: answers(port)):
        async with Bus.open(f"nats://marey:right@127.0.0.1:{port}") as bus:
            await bus.provision()

        async def open_wrongly() -> None:
            async with Bus.open(f"nats://marey:wrong@127.0.0.1:{port}"):
                pass

        with pytest.raises(ConfigurationError, match="Authorization Violation"):
            await patiently("NATS", open_wrongly, 0.1)

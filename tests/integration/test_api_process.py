"""The API as a process: environment in, clean stop out."""

import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.embedded.postgres import postgres_url
from deploy.embedded.process import ServiceCommand
from tests.services.api import http_client
from tests.services.running import answers, free_port, running

PROGRAM = """
import os
from api.service import run_api
from api.settings import ApiSettings
run_api(ApiSettings.from_environment(os.environ))
"""
DEADLINE_S = 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_serves_and_stops_cleanly(database_url: str, tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    log = tmp_path / "api.log"
    with running(api_command(database_url, tmp_path, port), log, lambda: answers(port)) as process:
        with http_client(f"http://127.0.0.1:{port}", (tmp_path / "api-key").read_text()) as http:
            response = http.get("/job")
        process.send_signal(number)
        assert process.wait(DEADLINE_S) == 0, log.read_text()
    assert response.json() == {"items": [], "next_cursor": None}
    assert log.read_text() == ""


def test_a_database_that_the_server_does_not_have_ends_it(postgres_data: Path, tmp_path: Path) -> None:
    command = api_command(postgres_url(postgres_data, "nowhere"), tmp_path, free_port())
    log = tmp_path / "api.log"
    with (
        pytest.raises(RuntimeError, match='database "nowhere" does not exist'),
        running(command, log, lambda: False),
    ):
        pass


def api_command(database_url: str, home: Path, port: int) -> ServiceCommand:
    """An API of its own process; NATS and Triton are not there."""
    return ServiceCommand(
        name="api",
        argv=(sys.executable, "-c", PROGRAM),
        cwd=Path(__file__).parents[2],
        env={
            "MAREY_HOME": str(home),
            "MAREY_DATABASE_URL": database_url,
            "MAREY_NATS_URL": "nats://127.0.0.1:9",
            "MAREY_TRITON_URL": "127.0.0.1:9",
            "MAREY_STORE_URL": (home / "objects").as_uri(),
            "MAREY_API_PORT": str(port),
            "MAREY_ADMIN_KEY_FILE": str(home / "api-key"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
    )

"""`marey up` with every service it has."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import marey
import pytest

from tests.services import stacks
from tests.services.waiting import until

pytestmark = pytest.mark.timeout(300)


def submit_rubbish(home: Path, folder: Path) -> marey.Job:
    """A job whose package is no zip; it must fail, which takes the API, Postgres, NATS and a worker."""
    rubbish = folder / "rubbish.zip"
    rubbish.write_bytes(b"this is no zip")
    with stacks.client(home) as client:
        return client.wait(client.submit([rubbish]).id, timeout_s=60).job


def test_a_stack_survives_the_death_of_a_service_and_stops_cleanly(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with stacks.marey(["up"], tmp_path, home) as up:
        up.until_says("Marey is ready")
        assert submit_rubbish(home, tmp_path).error_code == "not_a_zip"

        os.kill(stacks.pid_of(home, "nats-server"), signal.SIGKILL)
        until(lambda: "nats was killed by signal 9" in up.output, 30, up)
        until(lambda: up.output.count("nats          ready") == 2, 60, up)
        assert submit_rubbish(home, tmp_path).error_code == "not_a_zip"

        os.kill(stacks.pid_of(home, "triton_python_backend_stub"), signal.SIGKILL)
        until(lambda: up.output.count("triton        ready") == 2, 90, up)

        assert up.interrupt() == 0
        assert stacks.processes_of(home) == {}
        assert not (home / "stack.json").exists()


def test_a_stack_keeps_its_state_and_its_home_and_leaves_nothing_when_killed(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with stacks.marey(["up"], tmp_path, home) as up:
        up.until_says("Marey is ready")
        url, job = stacks.api_url(home), submit_rubbish(home, tmp_path)
        refused = up_refused("--home", str(home))
        assert f"{home} is in use by another stack (process {up.process.pid})" in refused
        up.process.terminate()
        assert up.ended() == 0

    with stacks.marey(["up"], tmp_path, home) as up:
        up.until_says("Marey is ready")
        assert stacks.api_url(home) == url
        with stacks.client(home) as client:
            assert client.get_job(job.id) == job
        up.process.kill()
        up.ended()
        until(lambda: stacks.processes_of(home) == {}, 30, up)


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        refused = up_refused("--home", str(tmp_path / "home"), "--api-port", port)
    assert f"expected port {port} to be free for api" in refused


def test_ctrl_c_while_starting_leaves_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with stacks.marey(["up"], tmp_path, home) as up:
        up.until_says("triton        starting")
        assert up.interrupt() == 0
        assert stacks.processes_of(home) == {}


def up_refused(*options: str) -> str:
    """What `marey up` says when it does not start."""
    command = [stacks.MAREY, "up", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 1
    return result.stderr

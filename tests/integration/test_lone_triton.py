"""`marey triton`: a server for workers elsewhere."""

import os
import signal
from pathlib import Path

import pytest

from orchestrator.triton import TritonClient
from tests.services import stacks
from tests.services.running import free_port
from tests.services.waiting import until

pytestmark = pytest.mark.timeout(300)


async def check(port: int) -> None:
    """What a worker asks of a server before it works with it."""
    async with await TritonClient.open(f"127.0.0.1:{port}") as client:
        await client.check_contract()
        await client.canary()


async def test_it_serves_survives_the_death_of_a_model_and_stops_cleanly(tmp_path: Path) -> None:
    home, grpc = tmp_path / "home", free_port()
    ports = ["--http-port", str(free_port()), "--grpc-port", str(grpc), "--metrics-port", str(free_port())]
    with stacks.marey(["triton", *ports], tmp_path, home) as server:
        server.until_says("triton        ready")
        await check(grpc)
        os.kill(stacks.pid_of(home, "triton_python_backend_stub"), signal.SIGKILL)
        until(lambda: server.output.count("triton        ready") == 2, 90, server)
        await check(grpc)
        assert server.interrupt() == 0
        assert stacks.processes_of(home) == {}


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "networks"
    folder.mkdir()
    arguments = ["triton", "--models", str(folder)]
    with stacks.marey(arguments, tmp_path, tmp_path / "home") as server:
        assert server.ended() == 1
    assert "expected a folder yolo or hrnet in" in server.output

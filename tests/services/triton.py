"""Fixtures: a real tritonserver per session, with the shipped networks or with ones that tell on pixels."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy.embedded.target import TargetChoice
from deploy.embedded.triton import TritonPorts, build_repository, triton_command
from model_repository.cpu_target import CpuTarget
from tests.services.probe_networks import write_probe_networks
from tests.services.running import free_port, running

TARGET = TargetChoice(target=CpuTarget(cores=2), why="tests need no more")


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonServer:
    """A running server."""

    url: str
    """host:port of its gRPC endpoint."""
    metrics_url: str
    repository: Path
    process: psutil.Process


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """Triton with the shipped networks."""
    with serving(tmp_path_factory.mktemp("triton")) as server:
        yield server


@pytest.fixture(scope="session")
def probe_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """Triton with the networks of `tests.services.probe_networks`: answers are known for known pixels."""
    root = tmp_path_factory.mktemp("probe_triton")
    with serving(root, write_probe_networks(root / "models")) as server:
        yield server


@contextmanager
def serving(
    root: Path,
    models: Path | None = None,
    change: Callable[[Path], None] | None = None,
    choice: TargetChoice = TARGET,
    ports: TritonPorts | None = None,
) -> Iterator[TritonServer]:
    """A server of its own; `models` has networks of its own, `change` edits the built repository, `ports` are
    where others expect it."""
    repository = root / "repository"
    build_repository(choice.target, repository, models)
    if change is not None:
        change(repository)
    ports = ports or TritonPorts(http=free_port(), grpc=free_port(), metrics=free_port())
    command = triton_command(repository, ports, choice.gpu_pool_bytes)
    log = root / "triton.log"
    with running(command, log, lambda: _is_ready(ports.http), choice.start_timeout_s) as process:
        url = f"127.0.0.1:{ports.grpc}"
        yield TritonServer(
            url=url,
            metrics_url=f"http://127.0.0.1:{ports.metrics}/metrics",
            repository=repository,
            process=psutil.Process(process.pid),
        )


def _is_ready(http_port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{http_port}/v2/health/ready", timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False

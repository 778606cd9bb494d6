"""A target on trial: where Triton does not start, or does not compute, the CPU serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.embedded.home import Home
from deploy.embedded.process import ServiceCommand
from deploy.embedded.service import Service
from deploy.embedded.services import triton_service
from deploy.embedded.stack import ignore_events
from deploy.embedded.supervisor import Supervisor
from deploy.embedded.target import TargetChoice
from deploy.embedded.trial import target_that_works
from deploy.embedded.triton import TritonPorts
from model_repository.cpu_target import CpuTarget
from model_repository.cuda_target import CudaTarget
from orchestrator.triton import TritonClient
from tests.services.running import free_port

pytestmark = pytest.mark.timeout(180)

CPU = CpuTarget(cores=2)


@asynccontextmanager
async def supervising(home: Home) -> AsyncIterator[Supervisor]:
    """A supervisor that is stopped at the end."""
    with home.locked() as lock_fd:
        supervisor = Supervisor(home.logs, lock_fd, ignore_events)
        try:
            yield supervisor
        finally:
            await supervisor.stop()


async def tried(home: Home, choice: TargetChoice, first: Service | None = None) -> TargetChoice:
    """What runs in the end; it computes."""
    ports = TritonPorts(http=free_port(), grpc=free_port(), metrics=free_port())

    def triton_of(wanted: TargetChoice) -> Service:
        service = triton_service(home, ports, wanted, None)
        return first if first is not None and wanted is choice else service

    async with supervising(home) as supervisor:
        working = await target_that_works(supervisor, triton_of, choice, ports.grpc)
        async with await TritonClient.open(f"127.0.0.1:{ports.grpc}") as client:
            await client.canary()
        return working


async def test_networks_that_cannot_be_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cuda = CudaTarget(gpu="NVIDIA NONE", torch="0.0")
    working = await tried(
        Home(tmp_path / "home"), TargetChoice(target=cuda, why="of this test", otherwise=CPU)
    )
    assert working.target == CPU
    assert "does not work here: expected" in working.why
    assert "to compile for NVIDIA NONE" in working.why


async def test_a_server_that_is_ready_and_does_not_compute(tmp_path: Path) -> None:
    choice = TargetChoice(target=CPU, why="of this test", otherwise=CpuTarget(cores=1))
    idle = Service(
        name="triton", command=lambda: ServiceCommand(name="triton", argv=("sleep", "600")), ready=is_ready
    )
    working = await tried(Home(tmp_path / "home"), choice, idle)
    assert working.target == CpuTarget(cores=1)
    assert "cpu (ONNX Runtime, 2 cores) does not work here: Triton, server:" in working.why


async def is_ready() -> bool:
    """It says so."""
    return True


async def test_a_server_that_computes_keeps_its_target(tmp_path: Path) -> None:
    choice = TargetChoice(target=CPU, why="of this test", otherwise=CpuTarget(cores=1))
    assert await tried(Home(tmp_path / "home"), choice) is choice

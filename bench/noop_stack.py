"""The embedded stack with inference taken out: the real Triton serves a model that computes nothing."""

import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.from_thread

from deploy.embedded.home import Home
from deploy.embedded.machine import usable_cores
from deploy.embedded.options import ExternalServices, StackOptions
from deploy.embedded.ports import HOST, choose_ports
from deploy.embedded.probes import http_answers
from deploy.embedded.process import ServiceCommand
from deploy.embedded.service import Service
from deploy.embedded.stack import RunningStack, embedded_stack, ignore_events
from deploy.embedded.supervisor import Supervisor
from deploy.embedded.triton import TritonPorts, build_repository, remove_stale_regions, triton_command
from model_repository.contract import committed_configs, config_text, read_config
from model_repository.cpu_target import CpuTarget

MODEL = Path(__file__).parent / "noop" / "model.py"
_PORTS = ("triton_http", "triton_grpc", "triton_metrics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Noop:
    """How the model behaves that stands for every ensemble."""

    answer_s: float = 0.0
    """Per request."""
    instances: int = 1
    """Requests that are answered side by side."""


@dataclass(frozen=True, slots=True)
class NoopStack:
    """A stack whose services are ready, and the Triton beside it."""

    stack: RunningStack
    triton: Supervisor

    def pids(self) -> dict[str, int]:
        """Process id of each service's guard."""
        return {**self.stack.supervisor.pids(), **self.triton.pids()}


@contextlib.contextmanager
def noop_stack(home: Path, noop: Noop) -> Iterator[NoopStack]:
    """Run it in `home`. Whatever ends the block, also the death of this process, ends the services.

    SIGTERM ends the block like Ctrl-C, so that what the caller made is cleared away too.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_noop_stack(home, noop)) as running,
    ):
        yield running


@contextlib.asynccontextmanager
async def _noop_stack(home: Path, noop: Noop) -> AsyncIterator[NoopStack]:
    folder = Home(home / "noop")
    with folder.locked() as lock_fd:
        ports = choose_ports(_PORTS, folder.ports, {})
        supervisor = Supervisor(folder.logs, lock_fd, ignore_events)
        try:
            await supervisor.start([_triton(folder.path / "triton", ports, noop)])
            given = ExternalServices(triton_url=f"{HOST}:{ports['triton_grpc']}")
            async with embedded_stack(StackOptions(home=home / "stack", external=given)) as stack:
                yield NoopStack(stack, supervisor)
        finally:
            with anyio.CancelScope(shield=True):
                await supervisor.stop()
            remove_stale_regions(folder.path / "triton")


def _triton(repository: Path, ports: dict[str, int], noop: Noop) -> Service:
    def command() -> ServiceCommand:
        build_repository(CpuTarget(cores=usable_cores()), repository)
        take_inference_out(repository, noop)
        return triton_command(
            repository,
            TritonPorts(
                http=ports["triton_http"], grpc=ports["triton_grpc"], metrics=ports["triton_metrics"]
            ),
        )

    ready = http_answers(f"http://{HOST}:{ports['triton_http']}/v2/health/ready")
    return Service(name="triton", command=command, ready=ready)


def take_inference_out(repository: Path, noop: Noop) -> None:
    """Put the model that computes nothing in the place of every ensemble of a built repository."""
    for name, path in committed_configs().items():
        if read_config(path).HasField("ensemble_scheduling"):
            _replace_ensemble(path, repository / "models" / name, noop)


def _replace_ensemble(committed: Path, folder: Path, noop: Noop) -> None:
    """The same name and tensors, so that the worker's checks hold, but a model in place of the wiring."""
    config = read_config(committed)
    config.ClearField("ensemble_scheduling")
    config.ClearField("platform")
    config.backend = "python"
    config.parameters["answer_s"].string_value = str(noop.answer_s)
    group = config.instance_group.add()
    group.count, group.kind = noop.instances, group.KIND_CPU
    (folder / "config.pbtxt").write_text(config_text(config), encoding="utf-8")
    shutil.copy(MODEL, folder / "1" / "model.py")

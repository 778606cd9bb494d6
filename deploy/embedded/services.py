"""The services of an embedded stack, and how they find each other."""

import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.embedded import nats, postgres, triton
from deploy.embedded.home import Home
from deploy.embedded.options import ExternalServices
from deploy.embedded.ports import HOST
from deploy.embedded.probes import (
    file_exists,
    http_answers,
    nats_greets,
    postgres_accepts,
    postgres_answers,
    triton_infers,
)
from deploy.embedded.process import ServiceCommand
from deploy.embedded.service import Canary, Service
from deploy.embedded.standstill import Pulses
from deploy.embedded.target import TargetChoice

PORT_NAMES = (
    "api",
    "nats",
    "triton_http",
    "triton_grpc",
    "triton_metrics",
    "orchestrator_metrics",
    "worker_metrics",
    "grpc",
)
"""Of a stack with one worker."""
_TRITON_STUB = "triton_python_backend_stub"[:15]
"""Runs one instance of a Python model. Without it Triton fails every request and still says it is ready."""

_STOP_TIMEOUT_S = 30.0
"""To drain, and 15 s more to close what is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where everything of one stack is."""

    home: Home
    ports: Mapping[str, int]
    external: ExternalServices
    target: TargetChoice | None
    """Of the stack's own Triton; None where it runs elsewhere."""
    models: Path | None = None
    workers: int = 1

    @property
    def api_url(self) -> str:
        """Where clients connect."""
        return f"http://{HOST}:{self.ports['api']}"

    @property
    def grpc_address(self) -> str:
        """Where clients of `marey.v1` connect."""
        return f"{HOST}:{self.ports['grpc']}"

    @property
    def postgres_data(self) -> Path:
        """The database cluster."""
        return self.home.path / "postgres"

    @property
    def database_url(self) -> str:
        """The given database, or the stack's own."""
        return self.external.database_url or postgres.postgres_url(self.postgres_data)

    @property
    def api_key_file(self) -> Path:
        """The first administrator's key; the command line of this machine finds it here."""
        return self.home.path / "api-key"

    def environment(self) -> dict[str, str]:
        """What Marey's own processes need to find the others."""
        return {
            "MAREY_HOME": str(self.home.path),
            "MAREY_DATABASE_URL": self.database_url,
            "MAREY_NATS_URL": self.external.nats_url or nats.nats_url(self.ports["nats"]),
            "MAREY_TRITON_URL": self.external.triton_url or f"{HOST}:{self.ports['triton_grpc']}",
            "MAREY_STORE_URL": self.external.store_url or (self.home.path / "objects").as_uri(),
            "MAREY_CACHE_DIR": str(self.home.path / "cache"),
            "MAREY_API_HOST": HOST,
            "MAREY_API_PORT": str(self.ports["api"]),
            "MAREY_GRPC_PORT": str(self.ports["grpc"]),
            "MAREY_ADMIN_KEY_FILE": str(self.api_key_file),
        }


def worker_names(workers: int) -> tuple[str, ...]:
    """Services of so many workers: `worker`, `worker_2`, ..."""
    return ("worker", *(f"worker_{number}" for number in range(2, workers + 1)))


def port_names(workers: int) -> tuple[str, ...]:
    """What has a port in a stack of so many workers."""
    return (*PORT_NAMES, *(f"{name}_metrics" for name in worker_names(workers)[1:]))


def stack_services(layout: Layout) -> list[Service]:
    """Every service that `layout` does not have elsewhere."""
    given = layout.external
    services = [
        None if given.database_url else _postgres(layout),
        None if given.nats_url else _nats(layout),
        None
        if layout.target is None
        else triton_service(layout.home, triton_ports(layout.ports), layout.target, layout.models),
        _orchestrator(layout),
        _api(layout),
        *(_worker(layout, name) for name in worker_names(layout.workers)),
    ]
    return [service for service in services if service is not None]


def _postgres(layout: Layout) -> Service:
    data = layout.postgres_data
    asked = postgres.binary("pg_isready"), postgres.socket_dir(data)
    return Service(
        name="postgres",
        command=lambda: postgres.postgres_command(data),
        ready=postgres_accepts(*asked),
        canary=Canary(works=postgres_answers(*asked)),
    )


def _nats(layout: Layout) -> Service:
    port = layout.ports["nats"]
    return Service(
        name="nats",
        command=lambda: nats.nats_command(layout.home.path / "nats", port),
        ready=nats_greets(port),
        canary=Canary(works=nats_greets(port)),
    )


def triton_service(
    home: Home, ports: triton.TritonPorts, target: TargetChoice, models: Path | None
) -> Service:
    """Triton with the networks in `models`, else the shipped ones; its repository lies in `home`."""
    repository = home.path / "triton"

    def command() -> ServiceCommand:
        triton.build_repository(target.target, repository, models)
        return triton.triton_command(repository, ports, target.gpu_pool_bytes)

    return Service(
        name="triton",
        command=command,
        ready=http_answers(f"http://{HOST}:{ports.http}/v2/health/ready"),
        helper=_TRITON_STUB,
        note=target.note,
        start_timeout_s=target.start_timeout_s,
        pulses=Pulses(folder=triton.pulses_folder(repository)),
        canary=Canary(works=triton_infers(ports.http)),
    )


def triton_ports(ports: Mapping[str, int]) -> triton.TritonPorts:
    """Those of the stack's own Triton."""
    return triton.TritonPorts(
        http=ports["triton_http"], grpc=ports["triton_grpc"], metrics=ports["triton_metrics"]
    )


def _orchestrator(layout: Layout) -> Service:
    return Service(
        name="orchestrator",
        command=lambda: _marey_command(layout, "orchestrator"),
        ready=file_exists(_ready_file(layout, "orchestrator")),
        needs=("postgres", "nats"),
    )


def _api(layout: Layout) -> Service:
    return Service(
        name="api",
        command=lambda: _marey_command(layout, "api"),
        # Not /health/ready: the worker tells whether Triton computes, and large networks on few cores
        # take longer than the API waits for its report.
        ready=http_answers(f"{layout.api_url}/health/live"),
        needs=("postgres", "orchestrator"),
    )


def _worker(layout: Layout, name: str) -> Service:
    def command() -> ServiceCommand:
        started = _marey_command(layout, "worker", name)
        return replace(started, env={**started.env, "MAREY_WORKERS": str(layout.workers)})

    return Service(
        name=name,
        command=command,
        ready=file_exists(_ready_file(layout, name)),
        needs=("postgres", "nats", "triton", "orchestrator"),
    )


def _marey_command(layout: Layout, command: str, service: str | None = None) -> ServiceCommand:
    """`marey COMMAND`, which makes its ready file once it has opened everything that it works with.

    `service` is the name of the process where that is another one.
    """
    name = service or command
    ready_file = _ready_file(layout, name)
    metrics_port = layout.ports.get(f"{name}_metrics")
    metrics = {} if metrics_port is None else {"MAREY_METRICS_PORT": str(metrics_port)}
    ready_file.unlink(missing_ok=True)
    return ServiceCommand(
        name=name,
        argv=(str(Path(sysconfig.get_path("scripts"), "marey")), command),
        env={**layout.environment(), "MAREY_READY_FILE": str(ready_file), **metrics},
        cwd=layout.home.path,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )


def _ready_file(layout: Layout, name: str) -> Path:
    return layout.home.path / f"{name}.ready"

"""The services of a cluster: those of the embedded stack, with small networks, short leases, one worker more,
and links between Marey's processes and what they use."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from deploy.embedded import postgres
from deploy.embedded.probes import file_exists
from deploy.embedded.process import ServiceCommand
from deploy.embedded.service import Canary, Service
from deploy.embedded.services import Layout, stack_services
from deploy.embedded.standstill import Pulses
from deploy.embedded.triton import TritonPorts, build_repository, pulses_folder, triton_command
from model_repository.cpu_target import CpuTarget
from tests.faults.links import HOST, Link, socket_link, tcp_link
from tests.services.probe_networks import write_probe_networks
from tests.services.s3 import S3Server

ROOT = Path(__file__).parents[2]
SECOND_WORKER = "second_worker"
"""It has no links: when the first is cut off, it does the work."""
USES = {
    "api": ("postgres", "nats", "triton", "store"),
    "orchestrator": ("postgres", "nats", "store"),
    "worker": ("postgres", "nats", "triton", "store"),
}
"""Those that talk to each other. A store in a folder needs no way."""
_PATIENCE_S = 8.0
"""Of the supervisor with a service that hangs; longer than any fault that ends by itself."""
_NETWORK_INSTANCES = 2
_POSTGRES_SOCKET = ".s.PGSQL.5432"
_URLS = {
    "nats": ("MAREY_NATS_URL", "nats://"),
    "triton": ("MAREY_TRITON_URL", ""),
    "store": ("AWS_ENDPOINT_URL", "http://"),
}
"""The variables that say where a service is, and what comes before host and port."""


@dataclass(frozen=True)
class Network:
    """Links by process and service, and what tells each process to use its own."""

    links: dict[tuple[str, str], Link]
    environments: dict[str, dict[str, str]]


@contextlib.asynccontextmanager
async def open_network(layout: Layout, s3: S3Server | None, folder: Path) -> AsyncIterator[Network]:
    """Links that listen already; the services need not run yet."""
    direct = {} if s3 is None else dict(s3.environment)
    network = Network(links={}, environments={role: dict(direct) for role in (*USES, SECOND_WORKER)})
    ports = {"nats": layout.ports["nats"], "triton": layout.ports["triton_grpc"]}
    ports |= {} if s3 is None else {"store": s3.port}
    async with contextlib.AsyncExitStack() as stack:
        for role, services in USES.items():
            listen_at = folder / role / _POSTGRES_SOCKET
            socket = postgres.socket_dir(layout.postgres_data) / _POSTGRES_SOCKET
            network.links[role, "postgres"], server = await socket_link(socket, listen_at)
            stack.callback(server.close)
            host = quote(str(listen_at.parent), safe="/")
            network.environments[role]["MAREY_DATABASE_URL"] = f"postgresql://postgres@/marey?host={host}"
            for service in ports.keys() & services:
                network.links[role, service], listening, server = await tcp_link(ports[service])
                stack.callback(server.close)
                name, scheme = _URLS[service]
                network.environments[role][name] = f"{scheme}{HOST}:{listening}"
        yield network


def fault_services(
    layout: Layout, network: Network, before_start: dict[str, Callable[[], None]]
) -> list[Service]:
    """The services; each does once what `before_start` has for it before it is started."""
    services = {service.name: service for service in stack_services(layout)}
    pulses = Pulses(folder=pulses_folder(_repository(layout)), patience_s=_PATIENCE_S)
    services["triton"] = replace(
        services["triton"],
        command=lambda: _triton_command(layout),
        pulses=pulses,
    )
    for name in ("postgres", "nats", "triton"):
        services[name] = replace(services[name], canary=_impatient(services[name].canary))
    worker = services["worker"]
    for role in USES:
        services[role] = _with_short_leases(services[role], role, network.environments[role])
    ready_file = layout.home.path / f"{SECOND_WORKER}.ready"
    # Made once: making it removes the file that says that the first worker is ready.
    command = worker.command()
    second = _with_short_leases(
        replace(worker, command=lambda: command),
        "worker",
        {**network.environments[SECOND_WORKER], "MAREY_READY_FILE": str(ready_file)},
    )
    services[SECOND_WORKER] = replace(
        second,
        name=SECOND_WORKER,
        command=lambda: _without(ready_file, second.command()),
        ready=file_exists(ready_file),
    )
    return [_hooked(service, before_start) for service in services.values()]


def _impatient(canary: Canary | None) -> Canary:
    assert canary is not None
    return replace(canary, interval_s=1.0, patience_s=_PATIENCE_S)


def networks_folder(layout: Layout) -> Path:
    """Where the files of the networks are."""
    return layout.home.path / "networks"


def _hooked(service: Service, before_start: dict[str, Callable[[], None]]) -> Service:
    def command() -> ServiceCommand:
        before_start.pop(service.name, lambda: None)()
        return service.command()

    return replace(service, command=command)


def _with_short_leases(service: Service, role: str, environment: dict[str, str]) -> Service:
    def command() -> ServiceCommand:
        original = service.command()
        path = os.pathsep.join((str(ROOT), str(ROOT / "sdk")))
        argv = (sys.executable, "-m", "tests.faults.role", role)
        env = {**original.env, **environment, "PYTHONPATH": path}
        # Two workers cannot share a port.
        env.pop("MAREY_METRICS_PORT", None)
        return replace(original, argv=argv, env=env)

    return replace(service, command=command)


def _without(ready_file: Path, command: ServiceCommand) -> ServiceCommand:
    ready_file.unlink(missing_ok=True)
    return replace(command, name=SECOND_WORKER)


def _repository(layout: Layout) -> Path:
    return layout.home.path / "triton"


def _triton_command(layout: Layout) -> ServiceCommand:
    repository = _repository(layout)
    models = networks_folder(layout)
    if not models.exists():
        write_probe_networks(models)
    build_repository(CpuTarget(cores=_NETWORK_INSTANCES), repository, models)
    letterbox = repository / "models" / "letterbox" / "1"
    (letterbox / "model.py").rename(letterbox / "shipped_letterbox.py")
    (letterbox / "model.py").symlink_to(ROOT / "tests" / "faults" / "killing_letterbox.py")
    ports = TritonPorts(
        http=layout.ports["triton_http"],
        grpc=layout.ports["triton_grpc"],
        metrics=layout.ports["triton_metrics"],
    )
    return triton_command(repository, ports)

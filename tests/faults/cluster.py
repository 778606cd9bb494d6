"""A stack of real processes, kept alive by the embedded stack's supervisor, that tests may hurt."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import anyio.from_thread
import asyncpg
import httpx
import marey
import nats
import psutil
from nats.aio.client import Client

from deploy.embedded.home import Home
from deploy.embedded.options import ExternalServices
from deploy.embedded.ports import choose_ports
from deploy.embedded.service import RestartPolicy
from deploy.embedded.services import PORT_NAMES, Layout
from deploy.embedded.supervisor import ServiceEvent, Supervisor
from deploy.embedded.target import machine_target
from orchestrator.objects import LocalObjectStore
from tests.faults.links import Link
from tests.faults.services import Network, fault_services, open_network
from tests.services.waiting import until

READY_TIMEOUT_S = 90.0
_PATIENT = RestartPolicy(max_deaths=1000, first_delay_s=0.1, max_delay_s=0.1)


@dataclass(frozen=True)
class Cluster:
    """Postgres, NATS, Triton, API, orchestrator and two workers."""

    layout: Layout
    supervisor: Supervisor
    network: Network
    events: list[ServiceEvent]
    before_start: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Done once, by the service of that name, before it is started again."""

    @property
    def objects(self) -> LocalObjectStore:
        """The object store."""
        return LocalObjectStore(self.layout.home.path / "objects")

    def client(self) -> marey.Client:
        """A client of the API, with the first administrator's key."""
        return marey.Client(self.layout.api_url, api_key=self.layout.api_key_file.read_text().strip())

    def link(self, role: str, service: str) -> Link:
        """The way from `api`, `orchestrator` or `worker` to `postgres`, `nats` or `triton`."""
        return self.network.links[role, service]

    def process(self, service: str) -> psutil.Process:
        """The process of a service, its guard's first child; waits for one that is being started again."""

        def children() -> list[psutil.Process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                return psutil.Process(self.supervisor.pids()[service]).children()
            return []

        until(lambda: bool(children()), READY_TIMEOUT_S, f"expected a process of {service}")
        return children()[0]

    def processes(self, service: str) -> list[psutil.Process]:
        """The process of a service and all that it has started."""
        main = self.process(service)
        return [main, *main.children(recursive=True)]

    def kill(self, service: str, before_start: Callable[[], None] | None = None) -> None:
        """kill -9, then wait until the supervisor has it ready again."""
        if before_start is not None:
            self.before_start[service] = before_start
        seen = len(self.events)
        self.process(service).kill()
        self.until_ready_again(service, seen)

    def until_ready_again(self, service: str, seen: int) -> None:
        """Wait for a `ready` of the service after the first `seen` events."""
        until(
            lambda: any(_is_ready(event, service) for event in self.events[seen:]),
            READY_TIMEOUT_S,
            f"expected {service} to be ready again",
        )

    def until_readiness(self, ready: bool) -> float:
        """Wait until the API calls itself ready, or not; returns the seconds it took."""
        started_s = time.monotonic()
        until(lambda: self.is_ready() is ready, READY_TIMEOUT_S)
        return time.monotonic() - started_s

    def is_ready(self) -> bool:
        """What GET /health/ready says; an API that does not answer is not ready."""
        try:
            url = f"{self.layout.api_url}/health/ready"
            return httpx.get(url, timeout=READY_TIMEOUT_S, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """The rows of one SQL statement."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.layout.database_url, timeout=10)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                await connection.close()

        return asyncio.run(fetch())

    @contextlib.asynccontextmanager
    async def nats(self) -> AsyncIterator[Client]:
        """A connection to NATS."""
        client = await nats.connect(f"nats://127.0.0.1:{self.layout.ports['nats']}")
        try:
            yield client
        finally:
            await client.close()


def _is_ready(event: ServiceEvent, service: str) -> bool:
    return (event.service, event.kind) == (service, "ready")


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster whose files are in `folder`; everything is stopped at the end."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_started(folder)) as cluster,
    ):
        yield cluster


@contextlib.asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[Cluster]:
    home = Home(folder / "home")
    with home.locked() as lock_fd:
        layout = Layout(
            home=home,
            ports=choose_ports(PORT_NAMES, home.ports, {}),
            external=ExternalServices(),
            target=machine_target("cpu"),
        )
        events: list[ServiceEvent] = []
        supervisor = Supervisor(home.logs, lock_fd, events.append, _PATIENT)
        async with open_network(layout, folder / "links") as network:
            cluster = Cluster(layout=layout, supervisor=supervisor, network=network, events=events)
            try:
                await supervisor.start(fault_services(layout, network, cluster.before_start))
                yield cluster
            finally:
                await supervisor.stop()

"""A stack of real processes, kept alive by the embedded stack's supervisor, that tests may hurt."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import anyio.from_thread
import asyncpg
import marey
import nats
import psutil
from nats.aio.client import Client

from deploy.embedded.home import Home
from deploy.embedded.options import ExternalServices
from deploy.embedded.ports import CANDIDATES, choose_ports
from deploy.embedded.services import PORT_NAMES, Layout
from deploy.embedded.supervisor import ServiceEvent, Supervisor
from deploy.embedded.target import machine_target
from orchestrator.file_cache import CacheSettings
from orchestrator.object_stores import open_object_store
from orchestrator.objects import TEMPORARY, ObjectStore
from tests.faults.links import Link
from tests.faults.parts import mine
from tests.faults.readiness import NOTICED_S, Readiness
from tests.faults.services import Network, fault_services, open_network
from tests.services.s3 import S3Server
from tests.services.waiting import until

READY_TIMEOUT_S = 90.0
UNNOTICED_S = {"api": 0.0, "postgres": NOTICED_S, "nats": NOTICED_S, "triton": NOTICED_S}
"""What readiness depends on, and how long it may be away without being noticed."""


@dataclass(frozen=True)
class Cluster:
    """Postgres, NATS, Triton, API, orchestrator and two workers."""

    layout: Layout
    supervisor: Supervisor
    network: Network
    events: list[ServiceEvent]
    readiness: Readiness
    s3: S3Server | None
    """Where its objects are; None: in a folder."""
    _main: dict[int, psutil.Process] = field(default_factory=dict)
    """The service's by its guard's id: to look through all processes takes longer than some stages."""
    before_start: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Done once, by the service of that name, before it is started again."""

    @property
    def objects(self) -> ObjectStore:
        """The object store."""
        return open_object_store(self._store_url, self._cache)

    @property
    def _store_url(self) -> str:
        return self.layout.environment()["MAREY_STORE_URL"]

    @property
    def _cache(self) -> CacheSettings:
        return CacheSettings(folder=self.layout.home.path / "cache")

    def drafts(self) -> list[str]:
        """Unfinished objects, in the store and on their way to or from it."""
        home = self.layout.home.path
        found = [
            str(path) for folder in ("objects", "cache") for path in (home / folder).glob(f"{TEMPORARY}/*")
        ]
        if self.s3 is not None:
            # Claims on names stay, one per upload.
            prefix = f"{self.s3.prefix_of(self._store_url)}/"
            keys = open_object_store(self.s3.url(""), self._cache).keys(prefix)
            unfinished = [key.removeprefix(prefix) for key in keys]
            found += [key for key in unfinished if key.startswith(TEMPORARY) and "/claims/" not in key]
        return found

    def client(self) -> marey.Client:
        """A client of the API, with the first administrator's key."""
        return marey.Client(self.layout.api_url, api_key=self.layout.api_key_file.read_text().strip())

    def link(self, role: str, service: str) -> Link:
        """The way from `api`, `orchestrator` or `worker` to `postgres`, `nats`, `triton` or `store`."""
        return self.network.links[role, service]

    def process(self, service: str) -> psutil.Process:
        """The process of a service, its guard's first child; waits for one that is being started again."""

        def found() -> psutil.Process | None:
            guard = self.supervisor.pids()[service]
            if guard not in self._main or not self._main[guard].is_running():
                self._main.pop(guard, None)
                with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                    self._main[guard] = psutil.Process(guard).children()[0]
            return self._main.get(guard)

        until(found, READY_TIMEOUT_S, f"expected a process of {service}")
        process = found()
        assert process is not None
        return process

    def processes(self, service: str) -> list[psutil.Process]:
        """The process of a service and all that it has started."""
        main = self.process(service)
        return [main, *main.children(recursive=True)]

    def kill(self, service: str, before_start: Callable[[], None] | None = None) -> None:
        """kill -9, then wait until the supervisor has it ready again."""
        if before_start is not None:
            self.before_start[service] = before_start
        process, seen = self.process(service), len(self.events)
        with self.away(service):
            process.kill()
            self.until_ready_again(service, seen)

    @contextlib.contextmanager
    def away(self, service: str) -> Iterator[None]:
        """The service does nothing in the block; the API must have noticed if that took long enough."""
        since_s = time.monotonic()
        yield
        if time.monotonic() - since_s > UNNOTICED_S.get(service, math.inf):
            self.readiness.until_noticed(since_s)

    def until_ready_again(self, service: str, seen: int) -> None:
        """Wait for a `ready` of the service after the first `seen` events."""
        self.until_event(service, "ready", seen)

    def until_event(self, service: str, kind: str, seen: int) -> None:
        """Wait for an event of the service after the first `seen` ones."""
        until(
            lambda: self.has_event(service, kind, seen),
            READY_TIMEOUT_S,
            f"expected {service} to be {kind} again",
        )

    def has_event(self, service: str, kind: str, seen: int) -> bool:
        """Whether the service had an event after the first `seen` ones."""
        return any((event.service, event.kind) == (service, kind) for event in self.events[seen:])

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


@contextlib.contextmanager
def running_cluster(folder: Path, s3: S3Server | None) -> Iterator[Cluster]:
    """A cluster whose files are in `folder`, but its objects in a bucket, if there is one; everything is
    stopped at the end."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_started(folder, s3)) as cluster,
        cluster.readiness.watched(),
    ):
        yield cluster


@contextlib.asynccontextmanager
async def _started(folder: Path, s3: S3Server | None) -> AsyncIterator[Cluster]:
    home = Home(folder / "home")
    with home.locked() as lock_fd:
        layout = Layout(
            home=home,
            ports=choose_ports(PORT_NAMES, home.ports, {}, mine(CANDIDATES)),
            external=ExternalServices(store_url=None if s3 is None else s3.url(uuid4().hex)),
            target=machine_target("cpu"),
        )
        events: list[ServiceEvent] = []
        supervisor = Supervisor(home.logs, lock_fd, events.append)
        async with open_network(layout, s3, folder / "links") as network:
            cluster = Cluster(
                layout=layout,
                supervisor=supervisor,
                network=network,
                events=events,
                readiness=Readiness(f"{layout.api_url}/health/ready"),
                s3=s3,
            )
            try:
                await supervisor.start(fault_services(layout, network, cluster.before_start))
                yield cluster
            finally:
                await supervisor.stop()

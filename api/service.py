"""The API's process."""

import asyncio
import gc
import logging
import math
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from functools import partial

import uvicorn

from api.accounts.first_key import keep_first_key
from api.accounts.service import Accounts
from api.admission import Admission
from api.app import create_app
from api.dependencies import Services
from api.health.service import HANDSHAKE_S, Check, Readiness, within
from api.health.triton import TritonCheck
from api.jobs.service import Jobs
from api.metrics.service import HttpMetrics
from api.poses.analysis import Analyses
from api.poses.service import Poses
from api.results.service import Results
from api.rpc.server import answers, rpc_served
from api.rpc.settings import RpcSettings
from api.settings import ApiSettings
from api.uploads.service import Uploads
from core.errors import ConfigurationError, PortTakenError
from orchestrator.bus import Bus
from orchestrator.clusters import open_triton
from orchestrator.metrics import watch_pool
from orchestrator.object_stores import open_object_store
from orchestrator.objects import ObjectStore
from orchestrator.opening import patiently
from orchestrator.process import share_heaps
from orchestrator.settings import Settings
from orchestrator.store import API_ROLE, Store

MakeChecks = Callable[[Store, ObjectStore, Settings], Mapping[str, Check]]

logger = logging.getLogger(__name__)


def run_api(settings: ApiSettings) -> None:
    """Serve until SIGINT or SIGTERM. Postgres is waited for. Raises PortTakenError, ConfigurationError."""
    share_heaps()
    asyncio.run(serve(settings))


async def serve(settings: ApiSettings) -> None:
    """Open the services, listen, close everything in reverse order."""
    with listening_socket(settings.host, settings.port) as listener:
        drain_timeout_s = settings.services.lease.drain_timeout_s
        async with open_services(settings) as services, rpc_beside(services, settings.rpc, drain_timeout_s):
            logger.info("listening on %s:%d", settings.host, settings.port, extra={"action": "listen"})
            config = server_config(services, drain_timeout_s)
            await Server(config, services.stopping).serve(sockets=[listener])


def rpc_beside(
    services: Services, settings: RpcSettings | None, drain_timeout_s: float
) -> AbstractAsyncContextManager[None]:
    """The gRPC server, if there is to be one. Both servers stop at the same time."""
    return nullcontext() if settings is None else rpc_served(services, settings, drain_timeout_s)


@asynccontextmanager
async def open_services(
    settings: ApiSettings, make_checks: MakeChecks | None = None
) -> AsyncIterator[Services]:
    """The services that the handlers use. `make_checks` replaces `readiness_checks`."""
    stopping = asyncio.Event()
    objects = open_object_store(settings.services.store_url, settings.services.cache)
    async with AsyncExitStack() as stack:
        store = await patiently(
            "Postgres", lambda: _open_store(settings, stack), settings.services.lease.poll_interval_s
        )
        checks = (make_checks or readiness_checks)(store, objects, settings.services)
        readiness = Readiness({**checks, **rpc_checks(settings.rpc)})
        http_metrics = HttpMetrics()
        watch_pool(http_metrics.registry, store.figures.pool_use)
        admission = Admission(
            readiness=readiness,
            objects=objects,
            store=store.admission,
            reserve_bytes=settings.disk_reserve_bytes,
        )
        yield Services(
            admission=admission,
            accounts=Accounts(store.keys, store.catalogue, settings.secret),
            catalogue=store.catalogue,
            cluster_urls=settings.services.cluster_urls,
            jobs=Jobs(store.jobs, objects),
            uploads=Uploads(objects, settings.secret, settings.upload_limits, admission.room_for),
            results=Results(store.jobs, objects, settings.secret),
            poses=Poses(store.poses, objects, stopping),
            analyses=Analyses(
                partial(open_triton, settings.services), objects, settings.analysis_limits, admission.room_for
            ),
            stopping=stopping,
            readiness=readiness,
            http_metrics=http_metrics,
        )


async def _open_store(settings: ApiSettings, stack: AsyncExitStack) -> Store:
    """With the first administrator's key in its file. What failed half way is closed at once."""
    async with AsyncExitStack() as attempted:
        opening = Store.open(settings.services.database_url, role=API_ROLE)
        store = await attempted.enter_async_context(opening)
        if settings.admin_key_file is not None:
            await keep_first_key(store.keys, settings.admin_key_file, settings.secret)
        stack.push_async_exit(attempted.pop_all())
        return store


def readiness_checks(store: Store, objects: ObjectStore, settings: Settings) -> dict[str, Check]:
    """Postgres answers a query, the object store too, NATS a handshake, Triton's models compute, which may
    take time."""

    async def nats() -> None:
        async with Bus.open(settings.nats_url):
            pass

    async def object_store() -> None:
        await asyncio.to_thread(objects.exists, "ready")

    return {
        "postgres": lambda: within(HANDSHAKE_S, store.ping()),
        "objects": lambda: within(HANDSHAKE_S, object_store()),
        "nats": lambda: within(HANDSHAKE_S, nats()),
        "triton": TritonCheck(settings.triton_url).check,
    }


def rpc_checks(settings: RpcSettings | None) -> dict[str, Check]:
    """The gRPC server takes connections, if there is one."""
    return {} if settings is None else {"grpc": lambda: within(HANDSHAKE_S, answers(settings))}


def server_config(services: Services, drain_timeout_s: float) -> uvicorn.Config:
    """How uvicorn serves the application. Its access log would tell upload tokens.

    When the process is asked to stop, requests under way may take `drain_timeout_s` to end.
    """
    logging.getLogger("uvicorn.access").disabled = True
    return uvicorn.Config(
        create_app(services),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=math.ceil(drain_timeout_s),
    )


class Server(uvicorn.Server):
    """A server that ends quietly: uvicorn repeats the signal before the services are closed."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """What is there by now stays: the collector need not look through it again and again."""
        await super().startup(sockets)
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell what would go on for long, then wait for what is under way."""
        self._stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM stop the server; only a process's main thread can be signalled."""
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket. Raises ConfigurationError for an unknown host, PortTakenError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigurationError(f"the API cannot listen on {host!r}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"the API cannot listen on {host}:{port}: {error.strerror}") from error
    return listener

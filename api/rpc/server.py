"""The gRPC server: bound, served and stopped with the API's process."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from marey.v1 import jobs_pb2_grpc, poses_pb2_grpc

from api.dependencies import Services
from api.metrics.rpc import RpcMetrics
from api.rpc.gate import Gate
from api.rpc.health import HealthServicer
from api.rpc.jobs import JobServicer
from api.rpc.poses import PoseServicer
from api.rpc.settings import RpcSettings, TlsFiles
from core.errors import NotReadyError, PortTakenError

MAX_MESSAGE_BYTES = 4 << 20
_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 << 10),
    ("grpc.max_concurrent_streams", 100),
    # Of one connection. A client that says nothing for a minute is asked whether it lives.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.max_connection_idle_ms", 15 * 60_000),
    # Else two servers may share a port without noticing.
    ("grpc.so_reuseport", 0),
)
_SERVICES = ("grpc.health.v1.Health", "marey.v1.JobService", "marey.v1.PoseService")

logger = logging.getLogger(__name__)


@asynccontextmanager
async def rpc_served(
    services: Services, settings: RpcSettings, drain_timeout_s: float
) -> AsyncIterator[None]:
    """Serve until the end of the block, or until `services.stopping` is set.

    Calls under way may take `drain_timeout_s` to end. Raises PortTakenError, ConfigurationError.
    """
    server = _server(services, settings)
    await _bind(server, settings)
    await server.start()
    logger.info("gRPC on %s", settings.address, extra={"action": "listen"})
    stopping = asyncio.create_task(_stop(server, services.stopping, drain_timeout_s), name="stop gRPC")
    try:
        yield
    finally:
        services.stopping.set()
        await stopping


async def answers(settings: RpcSettings) -> None:
    """Raise NotReadyError unless the server takes connections."""
    try:
        _, writer = await asyncio.open_connection(settings.reachable_host, settings.port)
    except OSError as error:
        raise NotReadyError(f"gRPC does not answer at {settings.address}") from error
    writer.close()


async def _stop(server: grpc.aio.Server, stopping: asyncio.Event, drain_timeout_s: float) -> None:
    await stopping.wait()
    await server.stop(drain_timeout_s)


def _server(services: Services, settings: RpcSettings) -> grpc.aio.Server:
    metrics = RpcMetrics(services.http_metrics.registry)
    gate = Gate(services.accounts, services.admission, metrics, settings.max_calls_per_project)
    server = grpc.aio.server(
        interceptors=[gate], options=_OPTIONS, maximum_concurrent_rpcs=settings.max_calls
    )
    jobs_pb2_grpc.add_JobServiceServicer_to_server(JobServicer(services, settings.public_url), server)
    poses_pb2_grpc.add_PoseServiceServicer_to_server(PoseServicer(services), server)
    health = HealthServicer(services.readiness, services.stopping)
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    if settings.reflection:
        reflection.enable_server_reflection((*_SERVICES, reflection.SERVICE_NAME), server)
    return server


async def _bind(server: grpc.aio.Server, settings: RpcSettings) -> None:
    try:
        if settings.tls is None:
            server.add_insecure_port(settings.address)
        else:
            server.add_secure_port(settings.address, await asyncio.to_thread(_credentials, settings.tls))
    except RuntimeError as error:
        raise PortTakenError(f"gRPC cannot listen on {settings.address}: {error}") from error


def _credentials(files: TlsFiles) -> grpc.ServerCredentials:
    pair = files.key.read_bytes(), files.certificate.read_bytes()
    client_ca = files.client_ca.read_bytes() if files.client_ca else None
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)

"""`grpc.health.v1`: what GET /health/ready says."""

import asyncio
from collections.abc import AsyncIterator

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from api.health.service import Readiness
from api.jobs.events import pause
from api.rpc.gate import Context

_NAMES = {"", "marey.v1.JobService", "marey.v1.PoseService"}
"""Services that are healthy together; empty: the whole server."""
_WATCH_INTERVAL_S = 5.0


class HealthServicer:
    """Serving while every service behind the API does its work."""

    def __init__(self, readiness: Readiness, stopping: asyncio.Event) -> None:
        self._readiness = readiness
        self._stopping = stopping

    async def Check(self, request: HealthCheckRequest, context: Context) -> HealthCheckResponse:
        """The status now; NOT_FOUND for a service that there is not."""
        if request.service not in _NAMES:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.service[:80]!r}")
        return HealthCheckResponse(status=await self._status(request.service))

    async def Watch(
        self, request: HealthCheckRequest, context: Context
    ) -> AsyncIterator[HealthCheckResponse]:
        """The status now and after each change."""
        told: int | None = None
        while not self._stopping.is_set():
            if (status := await self._status(request.service)) != told:
                told = status
                yield HealthCheckResponse(status=status)
            await pause(self._stopping, _WATCH_INTERVAL_S)
        yield HealthCheckResponse(status=HealthCheckResponse.NOT_SERVING)

    async def _status(self, service: str) -> int:
        if service not in _NAMES:
            return int(HealthCheckResponse.SERVICE_UNKNOWN)
        checks = await self._readiness.report()
        is_ready = set(checks.values()) <= {"ok"} and not self._stopping.is_set()
        return int(HealthCheckResponse.SERVING if is_ready else HealthCheckResponse.NOT_SERVING)

"""Whether the API takes new work: 503 when it is ours, 429 when it is the project's doing."""

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import AsyncAnyCallable

from api.accounts.tenants import tenant_of
from api.health.service import Readiness
from orchestrator.admission import not_ready, refuse, storage_full
from orchestrator.objects import ObjectStore
from orchestrator.store import Tenant
from orchestrator.store.admission import AdmissionStore

STARTS_WORK = {"starts_work": True}
"""Options of a route that begins something new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Asked before anything new begins."""

    readiness: Readiness
    objects: ObjectStore
    store: AdmissionStore
    reserve_bytes: int
    """Free space that the object store's disk keeps."""

    async def start(self, tenant: Tenant) -> None:
        """Raises NotReadyError, StorageFullError, RateLimitedError."""
        refuse(not_ready(await self.readiness.report()))
        await self.room_for(0)
        await self.store.count_start(tenant)

    async def room_for(self, needed_bytes: int) -> None:
        """Raises StorageFullError if `needed_bytes` do not fit."""
        free_bytes = await asyncio.to_thread(self.objects.free_bytes)
        refuse(storage_full(free_bytes, needed_bytes, self.reserve_bytes))


def admission_guard(admission: Admission) -> AsyncAnyCallable:
    """A guard of the routes that begin something new; whoever asks is known by then."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if handler.opt.get("starts_work"):
            await admission.start(await tenant_of(connection.scope))

    return guard

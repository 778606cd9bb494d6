"""Whether the API takes new work: 503 when it is ours, 429 when it is the project's doing."""

import asyncio
import time
from dataclasses import dataclass, field

from api.health.service import Readiness
from orchestrator.admission import not_ready, refuse, storage_full
from orchestrator.objects import ObjectStore
from orchestrator.store import Tenant
from orchestrator.store.admission import AdmissionStore

_FRESH_S = 1.0
STARTS_WORK = {"starts_work": True}
"""Options of a route that begins something new."""


@dataclass(slots=True, kw_only=True)
class Admission:
    """Asked before anything new begins."""

    readiness: Readiness
    objects: ObjectStore
    store: AdmissionStore
    reserve_bytes: int
    """Free space that the object store's disk keeps."""
    _free_bytes: int | None = field(default=None, init=False)
    _free_until_s: float = field(default=0.0, init=False)
    """Until when that is good enough to begin with."""

    async def start(self, tenant: Tenant) -> None:
        """Raises NotReadyError, StorageFullError, RateLimitedError."""
        refuse(not_ready(await self.readiness.report()))
        if time.monotonic() >= self._free_until_s:
            await self.room_for(0)
        refuse(storage_full(self._free_bytes, 0, self.reserve_bytes))
        await self.store.count_start(tenant)

    async def room_for(self, needed_bytes: int) -> None:
        """Raises StorageFullError if `needed_bytes` do not fit."""
        self._free_bytes = await asyncio.to_thread(self.objects.free_bytes)
        self._free_until_s = time.monotonic() + _FRESH_S
        refuse(storage_full(self._free_bytes, needed_bytes, self.reserve_bytes))

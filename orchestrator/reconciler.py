"""Mends what got lost: messages, leases, counters, collection tasks. Running it twice does no harm."""

import logging

from core.errors import LeaseLostError, MareyError
from orchestrator.bus import Bus
from orchestrator.metrics import Metrics
from orchestrator.retry import lost_lease
from orchestrator.settings import LeaseSettings
from orchestrator.store import Store
from orchestrator.waiting import Wake

_logger = logging.getLogger(__name__)


class Reconciler:
    """Compares Postgres, the record, with what should follow from it."""

    def __init__(self, store: Store, bus: Bus, settings: LeaseSettings, metrics: Metrics) -> None:
        self._store = store
        self._bus = bus
        self._settings = settings
        self._metrics = metrics

    async def run(self, wake: Wake) -> None:
        """Mend at every interval until `wake` says stop; failing services are waited for."""
        while not wake.is_stopping:
            try:
                await self.mend()
            except MareyError as error:
                _logger.warning("reconciler: %s", error, extra={"action": "reconcile"})
            await wake.wait(self._settings.reconcile_interval_s)

    async def mend(self) -> None:
        """One round. A stream that had to be made anew has lost every message."""
        is_new_stream = await self._bus.provision()
        repair = self._store.repair
        mended = {
            "messages": await self._requeue_lost(0.0 if is_new_stream else self._settings.sent_timeout_s),
            "leases": await repair.expire_leases(),
            "exhausted": await self._bury_exhausted(),
            "counters": await repair.recount(),
            "collections": await repair.collect_finished(),
            "leftovers": await self._clear_lanes(),
        }
        self._metrics.count_mended(mended)
        if any(mended.values()):
            _logger.info("reconciler mended %s", mended, extra={"action": "reconcile", **mended})

    async def _requeue_lost(self, timeout_s: float) -> int:
        """A message that waits for its turn is not lost, however long: a second one would fill the lane."""
        repair, requeued = self._store.repair, 0
        for lane in await repair.silent_lanes(timeout_s):
            requeued += await repair.requeue_lost(lane, await self._bus.oldest(lane), timeout_s)
        return requeued

    async def _clear_lanes(self) -> int:
        """A worker that was killed after its commit leaves its message behind, and nobody looks into a lane
        without tasks. JetStream is asked first: what is stored later may be of a new task."""
        occupied = await self._bus.occupied()
        over = [lane for lane in occupied.lanes if await self._store.repair.is_over(lane)]
        for lane in over:
            await self._bus.clear(lane, occupied.newest)
        return len(over)

    async def _bury_exhausted(self) -> int:
        leases = await self._store.repair.exhausted_leases()
        for lease in leases:
            verdict = lost_lease(lease)
            try:
                await self._store.flow.fail(lease, verdict.failure, verdict.status)
            except LeaseLostError:
                _logger.info("task %d ended after all", lease.id, extra={"action": "reconcile"})
        return len(leases)

"""Shows what waits in Postgres and JetStream."""

import logging

from core.errors import MareyError
from orchestrator.bus import Bus
from orchestrator.metrics import Metrics
from orchestrator.store import Store
from orchestrator.waiting import Wake

WINDOW_S = 300.0
"""Dwell and frame rates are of the runs that ended in the last so many seconds."""
_INTERVAL_S = 15.0
_logger = logging.getLogger(__name__)


class QueueWatch:
    """Looks at the queues at intervals. Every orchestrator sees the same."""

    def __init__(self, store: Store, bus: Bus, metrics: Metrics) -> None:
        self._store = store
        self._bus = bus
        self._metrics = metrics

    async def run(self, wake: Wake) -> None:
        """Look until `wake` says stop. What cannot be seen is not shown."""
        while not wake.is_stopping:
            try:
                await self.look()
            except MareyError as error:
                self._metrics.hide_queue()
                _logger.warning("queues: %s", error, extra={"action": "watch_queues", "outcome": error.code})
            await wake.wait(_INTERVAL_S)

    async def look(self) -> None:
        """Raises StoreError, BusError."""
        figures = await self._store.figures.tiers(WINDOW_S)
        self._metrics.show_queue(figures, await self._store.figures.task_counts())
        self._metrics.show_bus(await self._bus.state())

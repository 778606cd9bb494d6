"""The outbox's way out: ready tasks become messages."""

import asyncio
import logging
from collections.abc import Sequence

from core.errors import BusError, MareyError
from orchestrator.bus import Bus
from orchestrator.messages import TaskMessage
from orchestrator.metrics import Metrics, Sending
from orchestrator.settings import LeaseSettings, QueueSettings
from orchestrator.store import Store
from orchestrator.store.tasks import ReadyTask, Sent, Windows
from orchestrator.waiting import Wake

_COALESCE_S = 0.02
"""Hints that come so close together are one look at the outbox."""
_logger = logging.getLogger(__name__)


class Relay:
    """Publishes what is ready and keeps JetStream shallow. Several may run side by side."""

    def __init__(
        self, store: Store, bus: Bus, queue: QueueSettings, lease: LeaseSettings, metrics: Metrics
    ) -> None:
        self._store = store
        self._bus = bus
        self._windows = Windows(runs=queue.runs_window, steps=queue.steps_window)
        self._poll_interval_s = lease.poll_interval_s
        self._metrics = metrics

    async def run(self, wake: Wake) -> None:
        """Work until `wake` says stop; failing services are waited for."""
        while not wake.is_stopping:
            try:
                async with self._store.tasks.hints(wake.hint):
                    await self._relay(wake)
            except MareyError as error:
                _logger.warning("relay: %s", error, extra={"action": "relay"})
                await wake.wait(self._poll_interval_s)

    async def _relay(self, wake: Wake) -> None:
        while not wake.is_stopping:
            sent = await self._store.tasks.send_ready(self._windows, self._send)
            if sent:
                await self._bus.hint({task.lane for task in sent})
                wake.hint()
            await wake.wait(self._poll_interval_s)
            await asyncio.sleep(_COALESCE_S)

    async def _send(self, tasks: Sequence[ReadyTask]) -> Sent:
        """Publish all at once. A message of unknown fate counts as not sent: a second one is harmless."""
        results = await asyncio.gather(*map(self._publish, tasks))
        return Sent(
            stored=[task.id for task, is_new in zip(tasks, results, strict=True) if is_new is True],
            duplicate=[task.id for task, is_new in zip(tasks, results, strict=True) if is_new is False],
        )

    async def _publish(self, task: ReadyTask) -> bool | None:
        message = TaskMessage(task_id=task.id, epoch=task.epoch, frames=task.frame_count)
        try:
            is_new = await self._bus.publish(task.lane, message)
        except BusError as error:
            self._metrics.count_message(Sending.UNKNOWN)
            extra = {"action": "publish", "task_id": task.id, "outcome": Sending.UNKNOWN}
            _logger.warning("task %d was not sent: %s", task.id, error, extra=extra)
            return None
        self._metrics.count_message(Sending.STORED if is_new else Sending.DUPLICATE)
        return is_new

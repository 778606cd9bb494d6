"""Takes messages from the lanes in the scheduler's order."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from orchestrator.bus import Bus, Delivery
from orchestrator.lanes import Lane, Queue
from orchestrator.scheduler import QUANTUM_FRAMES, Scheduler, Turn
from orchestrator.store.tasks import TaskStore

STEP_FRAMES = QUANTUM_FRAMES
"""What a step other than a run is charged for."""


class Intake:
    """Of one process and one queue. Hints say which lanes have something; Postgres says what hints missed."""

    def __init__(self, tasks: TaskStore, bus: Bus, queue: Queue, look_interval_s: float) -> None:
        self._tasks = tasks
        self._bus = bus
        self._queue = queue
        self._look_interval_s = look_interval_s
        self._look_at_s = 0.0
        self._scheduler = Scheduler()

    @asynccontextmanager
    async def hints(self, on_hint: Callable[[], None]) -> AsyncIterator[None]:
        """Hear of lanes as messages are sent; `on_hint` is called each time."""

        def receive(lanes: Iterable[Lane]) -> None:
            self._add(lanes)
            on_hint()

        async with self._bus.hints(receive):
            yield

    async def take(self) -> Delivery | None:
        """The message whose turn it is, if there is any. Raises StoreError, BusError."""
        await self._look()
        while (turn := self._scheduler.take_turn(time.monotonic())) is not None:
            if delivery := await self._pull(turn):
                return delivery
        return None

    async def _look(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._look_at_s:
            self._add(await self._tasks.waiting_lanes(self._queue))
            self._look_at_s = now_s + self._look_interval_s

    def _add(self, lanes: Iterable[Lane]) -> None:
        now_s = time.monotonic()
        for lane in lanes:
            if lane.queue is self._queue:
                self._scheduler.add(lane, now_s)

    async def _pull(self, turn: Turn) -> Delivery | None:
        """A turn whose lane turns out to be empty is over; one that met an error is kept."""
        is_over = False
        try:
            delivery = await self._bus.take(turn.lane)
            is_over = True
        finally:
            if not is_over:
                self._scheduler.give_back(turn)
        if delivery is not None:
            self._scheduler.serve(turn, delivery.task.frames or STEP_FRAMES, time.monotonic())
        return delivery

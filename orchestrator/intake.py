"""Takes messages from the lanes in the scheduler's order."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Set
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.bus import Bus, Delivery
from orchestrator.lanes import Lane, Queue, Scope
from orchestrator.levers import Levers, may_take, read_levers
from orchestrator.scheduler import QUANTUM_FRAMES, Scheduler, Turn
from orchestrator.store.tasks import TaskStore

STEP_FRAMES = QUANTUM_FRAMES
"""What a step other than a run is charged for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message, and the Triton that works on it."""

    delivery: Delivery
    cluster_url: str | None
    """None: the worker's own, or the step needs none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Project:
    levers: Levers
    cluster_url: str | None


class Intake:
    """Of one process. Hints tell of lanes that have something, Postgres of those that hints missed."""

    def __init__(self, tasks: TaskStore, bus: Bus, scope: Scope, look_interval_s: float) -> None:
        self._tasks = tasks
        self._bus = bus
        self._scope = scope
        self._look_interval_s = look_interval_s
        self._look_at_s = 0.0
        self._scheduler = Scheduler()
        self._projects: Mapping[int, _Project] = {}
        """The projects that had something at the last look."""

    @asynccontextmanager
    async def hints(self, on_hint: Callable[[], None]) -> AsyncIterator[None]:
        """Hear of lanes as messages are sent; `on_hint` is called each time."""

        def receive(lanes: Iterable[Lane]) -> None:
            self._add(lanes)
            on_hint()

        async with self._bus.hints(receive):
            yield

    async def take(self, in_flight: Mapping[int, int], closed: Set[str | None]) -> Taken | None:
        """The message whose turn it is, if there is any. Raises StoreError, BusError.

        `in_flight` is the number of messages under way here per project. Nothing is taken for a Triton that
        is `closed`: away, or busy with as much as the worker gives it.
        """
        await self._look()

        def allowed(project_id: int) -> bool:
            is_open = self._cluster_url(project_id) not in closed
            return is_open and self._allows(project_id, in_flight.get(project_id, 0))

        while (turn := self._scheduler.take_turn(time.monotonic(), allowed)) is not None:
            if delivery := await self._pull(turn):
                return Taken(delivery=delivery, cluster_url=self._cluster_url(turn.lane.project_id))
        return None

    async def _look(self) -> None:
        now_s = time.monotonic()
        if now_s < self._look_at_s:
            return
        rows = await self._tasks.waiting_lanes(self._scope.queue)
        self._projects = {
            row.project_id: _Project(levers=read_levers(row.levers), cluster_url=row.cluster_url)
            for row in rows
        }
        self._look_at_s = now_s + self._look_interval_s
        self._add(Lane(queue=self._scope.queue, tier=row.tier, project_id=row.project_id) for row in rows)

    def _add(self, lanes: Iterable[Lane]) -> None:
        """A project whose levers are not known is looked up before anything is taken from it."""
        now_s = time.monotonic()
        for lane in filter(self._scope.covers, lanes):
            self._scheduler.add(lane, now_s)
            if lane.project_id not in self._projects:
                self._look_at_s = 0.0

    def _allows(self, project_id: int, in_flight: int) -> bool:
        if self._scope.queue is Queue.STEPS:
            return True
        project = self._projects.get(project_id)
        return project is not None and may_take(
            project.levers, in_flight, is_dedicated=self._scope.project_id == project_id
        )

    def _cluster_url(self, project_id: int) -> str | None:
        project = self._projects.get(project_id) if self._scope.queue is Queue.RUNS else None
        return project.cluster_url if project is not None else None

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

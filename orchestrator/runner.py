"""The loop of a worker: a free slot, a message, a lease, the work, the commit, the ack."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Protocol

from core.errors import BusError, LeaseLostError, MareyError, StoreError, SuspectWaitsError
from core.jobs import TaskKind, TaskStatus
from orchestrator.bus import Delivery
from orchestrator.intake import Intake, Taken
from orchestrator.metrics import Metrics, Outcome
from orchestrator.retry import GiveUp, Retry, decide
from orchestrator.settings import LeaseSettings
from orchestrator.standby import Standby
from orchestrator.store import Store
from orchestrator.store.tasks import Lease
from orchestrator.waiting import Wake

_logger = logging.getLogger(__name__)
_RENEWALS_PER_LEASE = 3


class Step(Protocol):
    """The work of one kind of task, up to and including its commit."""

    async def run(self, lease: Lease) -> None:
        """Raises whatever keeps the task from its end; LeaseLostError if it is another's by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerOptions:
    """What one runner does."""

    worker: str
    slots: int
    """Tasks under way at a time; runs: for each Triton, so that one that hangs holds up no other's."""
    lease: LeaseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """How an attempt ended, and because of what."""

    outcome: Outcome
    error: Exception | None = None


class Runner:
    """Works on tasks until it is told to stop, then drains."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        steps: Mapping[TaskKind, Step],
        options: RunnerOptions,
        metrics: Metrics,
        standby: Standby | None = None,
    ) -> None:
        """With `standby`, nothing is taken for those that it knows to be away."""
        self._store = store
        self._intake = intake
        self._standby = standby
        self._steps = steps
        self._options = options
        self._metrics = metrics
        self._working: dict[asyncio.Task[None], Taken] = {}
        self._suspect: asyncio.Task[None] | None = None
        """What has its Triton to itself here, because it may have ended one."""

    async def run(self, wake: Wake) -> None:
        """Take and work; a message is taken only when there is a slot for it."""
        try:
            async with self._intake.hints(wake.hint):
                await self._run(wake)
        finally:
            await self._drain(self._options.lease.drain_timeout_s if wake.is_stopping else 0)

    async def _run(self, wake: Wake) -> None:
        while not wake.is_stopping:
            taken = await self._take()
            if taken is None:
                await wake.wait(self._options.lease.poll_interval_s)
            elif wake.is_stopping or taken.cluster_url in self._tried():
                await self._decline(taken.delivery)
            else:
                self._start(taken, wake)

    async def _take(self) -> Taken | None:
        """The message whose turn it is, if there is any."""
        projects = Counter(taken.delivery.lane.project_id for taken in self._working.values())
        try:
            return await self._intake.take(projects, self._closed())
        except (BusError, StoreError) as error:
            _logger.warning("cannot take work: %s", error, extra={"action": "take"})
        return None

    def _closed(self) -> Set[str | None]:
        """The Tritons that have as many runs as they may, that try a suspect, and those that are away."""
        busy = Counter(taken.cluster_url for taken in self._working.values())
        full = {cluster_url for cluster_url, runs in busy.items() if runs >= self._options.slots}
        return full | self._tried() | (self._standby.away if self._standby is not None else set())

    def _tried(self) -> Set[str | None]:
        """The Triton that a suspect has to itself, if there is one."""
        return set() if self._suspect is None else {self._working[self._suspect].cluster_url}

    async def _decline(self, delivery: Delivery, delay_s: float = 0.0) -> None:
        """Nobody begins with it here: the stop or a suspect's trial came meanwhile, or Postgres gives no
        lease."""
        try:
            await delivery.hand_back(delay_s)
        except BusError as error:
            _logger.warning("cannot hand back: %s", error, extra={"action": "decline"})

    def _start(self, taken: Taken, wake: Wake) -> None:
        name = f"task-{taken.delivery.task.task_id}"
        task = asyncio.create_task(self._work(taken.delivery), name=name)
        self._working[task] = taken

        def finish(task: asyncio.Task[None]) -> None:
            del self._working[task]
            if self._suspect is task:
                self._suspect = None
            wake.hint()

        task.add_done_callback(finish)

    async def _work(self, delivery: Delivery) -> None:
        """Lease, work, ack. Without a lease the message is outdated: another one was or will be sent."""
        message = delivery.task
        options = self._options
        try:
            lease = await self._store.tasks.lease(
                message.task_id, message.epoch, options.worker, options.lease.lease_s
            )
        except (StoreError, SuspectWaitsError) as error:
            level = logging.WARNING if isinstance(error, StoreError) else logging.DEBUG
            _logger.log(level, "task %d: %s", message.task_id, error, extra={"action": "lease"})
            return await self._decline(delivery, options.lease.poll_interval_s)
        try:
            if lease is not None:
                await self._perform(lease, delivery)
            await delivery.ack()
        except (StoreError, BusError) as error:
            _logger.warning("task %d: %s", message.task_id, error, extra={"action": "settle"})

    async def _perform(self, lease: Lease, delivery: Delivery) -> None:
        """Do the step; whatever happens is settled in Postgres, counted and logged."""
        started_s = time.monotonic()
        ended = _Ended(outcome=Outcome.UNSETTLED)
        self._metrics.begin_attempt(lease.kind)
        try:
            ended = await self._attempt(lease, delivery)
        except asyncio.CancelledError:
            await self._store.tasks.release(lease, delay_s=0, refund=1, failure=None)
            await delivery.ack()
            ended = _Ended(outcome=Outcome.HANDED_BACK)
            raise
        finally:
            duration_s = time.monotonic() - started_s
            self._metrics.end_attempt(lease.kind, lease.tier, ended.outcome, duration_s)
            _log(lease, ended, duration_s)
            if self._standby is not None:
                self._standby.note(lease.cluster_url, ended.error)

    async def _attempt(self, lease: Lease, delivery: Delivery) -> _Ended:
        try:
            await self._while_held(lease, delivery)
        except LeaseLostError as error:
            return _Ended(outcome=Outcome.LEASE_LOST, error=error)
        except MareyError as error:
            return _Ended(outcome=await self._settle(lease, error), error=error)
        except Exception as error:
            _logger.exception("%s met a defect", lease.kind, extra=_fields(lease))
            return _Ended(outcome=await self._settle(lease, error), error=error)
        return _Ended(outcome=Outcome.DONE)

    async def _while_held(self, lease: Lease, delivery: Delivery) -> None:
        """Do the step and renew its lease; a lost lease breaks it off."""
        if lease.is_suspect:
            self._suspect = asyncio.current_task()
        step = asyncio.create_task(self._step(lease), name=f"{lease.kind}-{lease.id}")
        keeper = asyncio.create_task(self._keep(lease, delivery), name=f"keep-{lease.id}")
        try:
            await asyncio.wait({step, keeper}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                raise LeaseLostError(f"task {lease.id}: the lease could not be renewed")
            await step
        finally:
            step.cancel()
            keeper.cancel()
            await asyncio.gather(step, keeper, return_exceptions=True)

    async def _step(self, lease: Lease) -> None:
        """A suspect begins when everything else that its Triton does for this worker has ended."""
        if lease.is_suspect:
            working = self._working.items()
            mine = {task for task, taken in working if taken.cluster_url == lease.cluster_url}
            if others := mine - {self._suspect}:
                await asyncio.wait(others)
        await self._steps[lease.kind].run(lease)

    async def _keep(self, lease: Lease, delivery: Delivery) -> None:
        """Renew until the lease is lost, or must be taken for lost because Postgres is away too long."""
        interval_s = min(lease.lease_s, self._options.lease.lease_s) / _RENEWALS_PER_LEASE
        held_until = time.monotonic() + lease.lease_s
        while time.monotonic() < held_until:
            await asyncio.sleep(interval_s)
            try:
                await self._store.tasks.renew(lease)
                held_until = time.monotonic() + lease.lease_s
                await delivery.keep()
            except LeaseLostError:
                return
            except (StoreError, BusError) as error:
                _logger.warning("task %d: %s", lease.id, error, extra={"action": "renew"})

    async def _settle(self, lease: Lease, error: Exception) -> Outcome:
        """Carry out what `retry.decide` says; where Postgres is away, as long as the lease may last."""
        decision = decide(error, lease, random.random())
        held_until = time.monotonic() + lease.lease_s
        while True:
            try:
                return await self._carry_out(decision, lease)
            except StoreError as away:
                if time.monotonic() > held_until:
                    raise
                _logger.warning("task %d: %s", lease.id, away, extra={"action": "settle"})
            await asyncio.sleep(self._options.lease.poll_interval_s)

    async def _carry_out(self, decision: Retry | GiveUp, lease: Lease) -> Outcome:
        if isinstance(decision, Retry):
            await self._store.tasks.release(
                lease, decision.delay_s, decision.refund, decision.failure, decision.is_suspect
            )
            return Outcome.RETRIED
        try:
            await self._store.flow.fail(lease, decision.failure, decision.status)
        except LeaseLostError:
            return Outcome.LEASE_LOST
        return Outcome.SET_ASIDE if decision.status is TaskStatus.DEAD else Outcome.FAILED

    async def _drain(self, timeout_s: float) -> None:
        """Let what is under way end for a while, then break it off; leases are handed back."""
        if not self._working:
            return
        _, unfinished = await asyncio.wait(self._working, timeout=timeout_s)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)


def _fields(lease: Lease) -> dict[str, object]:
    """What a log line says of a task."""
    return {
        "action": lease.kind,
        "task_id": lease.id,
        "job_id": lease.job_id,
        "video_id": lease.video_id,
        "attempt": lease.attempts,
    }


def _log(lease: Lease, ended: _Ended, duration_s: float) -> None:
    """One line per attempt."""
    fields = {**_fields(lease), "outcome": ended.outcome, "duration_s": round(duration_s, 4)}
    if (error := ended.error) is not None:
        fields |= {"code": error.code if isinstance(error, MareyError) else "unforeseen", "error": str(error)}
    is_fine = ended.outcome in (Outcome.DONE, Outcome.HANDED_BACK)
    level = logging.INFO if is_fine else logging.WARNING
    _logger.log(level, "%s %s", lease.kind, ended.outcome.replace("_", " "), extra=fields)

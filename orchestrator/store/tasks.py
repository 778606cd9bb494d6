"""Tasks: the outbox and the leases."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from core.errors import LeaseLostError, StoreError, SuspectWaitsError
from core.jobs import TaskKind, Tier
from orchestrator.lanes import Lane, Queue
from orchestrator.levers import DEFAULTS
from orchestrator.store.constraints import violates
from orchestrator.store.database import Database

_CHANNEL = "marey_task"
_ONE_SUSPECT = "task_one_suspect"
"""Index of migration 0012."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyTask:
    """A task that must be published."""

    id: int
    epoch: int
    kind: TaskKind
    tier: Tier
    project_id: int
    frame_count: int
    """Of a run; 0 for other steps."""

    @property
    def lane(self) -> Lane:
        """Where its message waits."""
        return Lane.of(self.kind, self.tier, self.project_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to work on a task, until it ends or `epoch` is outdated."""

    id: int
    kind: TaskKind
    job_id: int
    video_id: int | None
    tier: Tier
    first_frame: int | None
    last_frame: int | None
    """Included."""
    epoch: int
    attempts: int
    """This one is counted."""
    max_attempts: int
    age_s: float
    """Since the first attempt began."""
    lease_s: float
    """It is kept for so long at a time."""
    cluster_url: str | None = None
    """The Triton that its project runs on; None: the worker's own."""
    is_suspect: bool = False
    """Triton ended while it worked on frames of this run, among others: it is tried alone."""

    @property
    def video(self) -> int:
        """The video's id, for the kinds that have one."""
        if self.video_id is None:
            raise ValueError(f"task {self.id}: expected a video, got none for kind {self.kind}")
        return self.video_id


def lost(lease: Lease) -> LeaseLostError:
    """Why nothing was changed for this lease."""
    return LeaseLostError(f"task {lease.id}: expected to hold it with epoch {lease.epoch}, got a newer one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a task failed, for its user."""

    code: str
    message: str
    frame_index: int | None = None
    """The frame that is to blame, where one is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """Unread messages per lane that may be in JetStream."""

    runs: int
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of some messages. Those in neither list count as not sent."""

    stored: list[int]
    """Tasks whose message is stored."""
    duplicate: list[int]
    """Tasks whose message id was used before: it may be gone by now, so the epoch must change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLane:
    """A lane that has messages nobody took."""

    tier: Tier
    project_id: int
    levers: dict[str, object]
    """What the project has set."""
    cluster_url: str | None
    """The Triton that it runs on; None: each worker's own."""


class TaskStore:
    """Publishes, leases and hands back tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def send_ready(
        self, windows: Windows, send: Callable[[Sequence[ReadyTask]], Awaitable[Sent]]
    ) -> list[ReadyTask]:
        """Give what is due to `send` and note what it sent; return the tasks whose messages were stored.

        From each lane a few at a time, so that a full lane does not keep the others waiting. The rows stay
        locked meanwhile, so that two relays never send the same task.
        """
        async with self._database.transaction() as session:
            tasks = await session.rows(
                ReadyTask, "pick_ready", windows.runs, windows.steps, DEFAULTS.partitions
            )
            if not tasks:
                return []
            sent = await send(tasks)
            await session.execute("mark_sent", sent.stored)
            await session.execute("renumber_ready", sent.duplicate)
            stored = set(sent.stored)
            return [task for task in tasks if task.id in stored]

    async def waiting_lanes(self, queue: Queue) -> list[WaitingLane]:
        """Lanes that have messages nobody took."""
        return await self._database.rows(WaitingLane, "waiting_lanes", queue is Queue.RUNS)

    async def lease(self, task_id: int, epoch: int, worker: str, lease_s: float) -> Lease | None:
        """Take a task that a message of `epoch` named; None if it has moved on since.

        `lease_s` holds where the project has no lever for it. Of runs that may have ended Triton, one is
        worked on at a time: raises SuspectWaitsError for another.
        """
        try:
            return await self._database.row(Lease, "lease_task", task_id, epoch, worker, lease_s)
        except StoreError as error:
            if violates(error, _ONE_SUSPECT):
                raise SuspectWaitsError from error
            raise

    async def renew(self, lease: Lease) -> None:
        """Keep the task for `lease.lease_s` more. Raises LeaseLostError."""
        if not await self._database.execute("renew_lease", lease.id, lease.epoch, lease.lease_s):
            raise LeaseLostError(f"task {lease.id}: epoch {lease.epoch} is over")

    async def release(
        self, lease: Lease, delay_s: float, refund: int, failure: Failure | None, is_suspect: bool = False
    ) -> None:
        """Hand the task back for another try after `delay_s`, `refund` attempts uncounted.

        Nothing happens if the lease is lost: the other holder decides.
        """
        code, message = (failure.code, failure.message) if failure else (None, None)
        await self._database.execute(
            "release_task", lease.id, lease.epoch, delay_s, refund, code, message, is_suspect
        )

    def hints(self, on_hint: Callable[[], None]) -> AbstractAsyncContextManager[None]:
        """Call `on_hint` when a task became ready or a message was taken."""
        return self._database.listening(_CHANNEL, on_hint)

"""Lanes: where the messages of one tier and one project wait in JetStream."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from core.jobs import TaskKind, Tier


class Queue(StrEnum):
    """What a message is about; runs go to workers, the other steps to orchestrators."""

    RUNS = "frames"
    STEPS = "jobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Runs or steps of one tier and one project."""

    queue: Queue
    tier: Tier
    project_id: int

    @classmethod
    def of(cls, kind: TaskKind, tier: Tier, project_id: int) -> Self:
        """The lane of a task."""
        queue = Queue.RUNS if kind is TaskKind.INFER else Queue.STEPS
        return cls(queue=queue, tier=tier, project_id=project_id)

    @classmethod
    def at(cls, subject: str) -> Self | None:
        """The lane of a `subject`; None for one that is no lane's: somebody else has sent there."""
        try:
            _, queue, tier, project_id = subject.split(".")
            return cls(queue=Queue(queue), tier=Tier(tier), project_id=int(project_id))
        except ValueError:
            return None

    @property
    def subject(self) -> str:
        """`marey.frames.<tier>.<project>` for runs, else `marey.jobs.<tier>.<project>`."""
        return f"marey.{self.queue}.{self.tier}.{self.project_id}"

    @property
    def consumer(self) -> str:
        """Name of the lane's durable consumer."""
        return f"{self.queue}_{self.tier}_{self.project_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one process takes: everything of a queue, or of one tier, one project or both."""

    queue: Queue
    tier: Tier | None = None
    project_id: int | None = None

    def covers(self, lane: Lane) -> bool:
        """Whether the lane is served."""
        return (
            lane.queue is self.queue
            and self.tier in (None, lane.tier)
            and self.project_id in (None, lane.project_id)
        )

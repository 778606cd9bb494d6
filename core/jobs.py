"""Words of a job's life: statuses, tiers and kinds of tasks, as Postgres and the API spell them."""

from enum import StrEnum


class Tier(StrEnum):
    """Latency class of a project."""

    STANDARD = "standard"
    PRIORITY = "priority"
    HIGH_PRIORITY = "high_priority"


class JobStatus(StrEnum):
    """`QUEUED -> RUNNING -> COLLECTING -> ` one of the first three ends, or `CANCELLED` from any of them."""

    QUEUED = "queued"
    RUNNING = "running"
    COLLECTING = "collecting"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self in {
            JobStatus.COMPLETED,
            JobStatus.COMPLETED_WITH_ERRORS,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
        }


class VideoStatus(StrEnum):
    """`QUEUED -> INFERRING -> COLLECTING -> COMPLETED`, or `FAILED` or `CANCELLED` from any of them.

    A video of which some frames are missing is `COMPLETED` with the gap declared in its error fields.
    """

    QUEUED = "queued"
    INFERRING = "inferring"
    COLLECTING = "collecting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self in {VideoStatus.COMPLETED, VideoStatus.FAILED, VideoStatus.CANCELLED}


class BatchStatus(StrEnum):
    """State of a frame batch."""

    QUEUED = "queued"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    """The steps of a job that are leased and retried as one."""

    INITIALIZE = "initialize"
    """A job's package -> video rows."""
    SUBMIT = "submit"
    """A video -> frame batches and runs."""
    INFER = "infer"
    """One run of frame batches -> poses."""
    COLLECT_VIDEO = "collect_video"
    """A video's poses -> its result files."""
    COLLECT_JOB = "collect_job"
    """A job's videos -> its summary."""


class TaskStatus(StrEnum):
    """`READY -> SENT -> LEASED -> DONE | DEAD`; a lost lease or message makes it `READY` again.

    `CANCELLED` from any of the first three.
    """

    READY = "ready"
    """Must be published (the outbox)."""
    SENT = "sent"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    """Set aside after its attempts were used up; a redrive makes it `READY` again."""
    CANCELLED = "cancelled"

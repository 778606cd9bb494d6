"""Bodies of jobs and videos."""

from datetime import datetime

import msgspec

from api.catalogue.bodies import Id

DEFAULT_PIPELINE = "pose_2d"


class JobCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to start on an uploaded package."""

    job_parameters: dict[str, object]
    """Those of `JobInput`."""
    pipeline: str = DEFAULT_PIPELINE
    user_id: Id | None = None
    """Whose job it becomes; null: who asks. An administrator may name somebody else."""
    project_id: Id | None = None
    """The project of that user, which it is anyway: a check."""
    pipeline_parameter_set_id: Id | None = None
    """What holds where `job_parameters` say nothing; null: the set of the user's group."""


class JobOut(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is now."""

    id: int
    user_id: int
    project_id: int
    status: str
    pipeline: str
    pipeline_parameter_set_id: int
    tier: str
    job_parameters: dict[str, object]
    """Complete: the input, the defaults and what the request set."""
    videos_total: int
    videos_done: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error_code: str | None
    error_message: str | None


class FailedRangeOut(msgspec.Struct, frozen=True, kw_only=True):
    """Frames that were given up after all their attempts."""

    first_frame: int
    last_frame: int
    """Included."""
    error_code: str
    error_message: str
    attempts: int


class VideoOut(msgspec.Struct, frozen=True, kw_only=True):
    """A video as it is now."""

    id: int
    job_id: int
    name: str
    status: str
    progress: float
    """Share of the frames that are done, 0 to 1."""
    frames_total: int
    """0 until the video was probed."""
    frames_done: int
    """Frames that were inferred or are known to be missing."""
    frames_missing: int
    error_code: str | None
    error_message: str | None
    summary: dict[str, object] | None
    failed_ranges: list[FailedRangeOut]


class VideoList(msgspec.Struct, frozen=True, kw_only=True):
    """The videos of a job, in the package's order."""

    items: list[VideoOut]


class JobEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A job and its videos at one moment."""

    job: JobOut
    videos: list[VideoOut]

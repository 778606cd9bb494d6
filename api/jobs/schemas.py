"""Bodies of jobs and videos."""

from datetime import datetime

import msgspec


class JobCreate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job to start on an uploaded package."""

    input: str
    """The `input_key` of a finished upload."""
    pipeline: str = "pose_2d"
    parameters: dict[str, object] = {}


class JobOut(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is now."""

    id: int
    user_id: int
    project_id: int
    status: str
    pipeline: str
    tier: str
    parameters: dict[str, object]
    """Complete: the defaults and what the request set."""
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

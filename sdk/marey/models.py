"""What the server answers, typed. Fields that this version does not know are ignored."""

from __future__ import annotations

from datetime import datetime

import msgspec

_FINAL = frozenset({"completed", "completed_with_errors", "failed", "cancelled"})


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A package of videos on its way through a pipeline."""

    id: int
    status: str
    """queued, running, collecting, completed, completed_with_errors, failed or cancelled."""
    pipeline: str
    tier: str
    parameters: dict[str, object] = {}
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    videos_total: int = 0
    videos_done: int = 0
    error_code: str | None = None
    error_message: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in _FINAL

    @property
    def succeeded(self) -> bool:
        """Whether every video was processed without error."""
        return self.status == "completed"


class FailedRange(msgspec.Struct, frozen=True, kw_only=True):
    """Frames that were given up after all their attempts; `Client.redrive` tries them again."""

    first_frame: int
    last_frame: int
    """Included."""
    error_code: str
    error_message: str
    attempts: int


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """One video of a job."""

    id: int
    job_id: int
    name: str
    status: str
    """queued, inferring, collecting, completed, failed or cancelled."""
    progress: float = 0.0
    """Share of the frames that are done, 0 to 1."""
    frames_total: int = 0
    """0 until the video was probed."""
    frames_done: int = 0
    frames_missing: int = 0
    """Frames that could not be read."""
    error_code: str | None = None
    error_message: str | None = None
    summary: dict[str, object] | None = None
    failed_ranges: list[FailedRange] = []


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a job produced."""

    path: str
    """Names the file within the job; the last part is the file's own name."""
    size_bytes: int
    url: str
    video_id: int | None = None
    """None: the file belongs to the job as a whole."""
    video_name: str | None = None


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A job and its videos at one moment."""

    job: Job
    videos: list[Video]


class UploadTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Leave to upload one package, once."""

    upload_url: str
    input_key: str
    expires_at: datetime
    max_bytes: int


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of jobs, newest first."""

    items: list[Job]


class VideoPage(msgspec.Struct, frozen=True, kw_only=True):
    """The videos of a job."""

    items: list[Video]


class ResultPage(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a job."""

    items: list[ResultFile]


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 body of an error."""

    status: int
    code: str
    detail: str = ""
    title: str = ""
    request_id: str | None = None

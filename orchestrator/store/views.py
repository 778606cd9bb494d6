"""Jobs and videos as their users see them."""

from dataclasses import dataclass
from datetime import datetime

from biomechanics.summary import FailedRange
from core.jobs import JobStatus, Tier, VideoStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job."""

    id: int
    user_id: int
    project_id: int
    status: JobStatus
    error_code: str | None
    error_message: str | None
    pipeline_name: str
    pipeline_parameter_set_id: int
    tier: Tier
    input_key: str
    parameters: dict[str, object]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    videos_total: int
    videos_done: int
    """Videos that are over, with or without results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoView:
    """A video of a job."""

    id: int
    job_id: int
    name: str
    status: VideoStatus
    error_code: str | None
    error_message: str | None
    """On a completed video: what is missing from its results."""
    frames_total: int
    frames_done: int
    """Frames that were inferred or are known to be missing."""
    frames_missing: int
    results_path: str
    """Prefix of the object keys of the results."""
    summary: dict[str, object] | None
    failed_ranges: tuple[FailedRange, ...] = ()
    """Frames that were given up, and why."""

    @property
    def progress(self) -> float:
        """Share of the frames that are done, 0 to 1; 1 for a video that is over."""
        if self.status.is_final:
            return 1.0
        return self.frames_done / self.frames_total if self.frames_total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSnapshot(JobView):
    """A job and its videos at one moment."""

    videos: list[VideoView]
    """In the order of its package; none before the package is unpacked."""

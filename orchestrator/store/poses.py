"""Where the poses of a video lie, for one tenant at a time."""

from dataclasses import dataclass

from core.errors import NotFoundError
from core.jobs import BatchStatus, VideoStatus
from orchestrator.parameters import JobParameters
from orchestrator.store.database import Database
from orchestrator.store.tenants import Tenant, TenantDatabase

_BATCHES = 256
"""Looked at together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamedVideo:
    """A video, as far as its poses are concerned."""

    id: int
    name: str
    status: VideoStatus
    error_code: str | None
    error_message: str | None
    results_path: str
    frames_total: int
    """0 until it was probed."""
    parameters: JobParameters


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameBatch:
    """A frame batch: frames `start_frame` to `stop_frame`, which is excluded."""

    start_frame: int
    stop_frame: int
    status: BatchStatus
    results_path: str | None
    """Object key of its poses, and of those of others that were committed with it."""


class PoseStore:
    """Tells of videos and their frame batches. What a tenant may not see is not there: NotFoundError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def video(self, tenant: Tenant, video_id: int) -> StreamedVideo:
        """Raises NotFoundError."""
        view = await self._as(tenant).row(StreamedVideo, "streamed_video", tenant.project_id, video_id)
        if view is None:
            raise NotFoundError(f"there is no video {video_id}")
        return view

    async def batches(self, tenant: Tenant, video_id: int, from_frame: int) -> list[FrameBatch]:
        """The next frame batches from a frame on, in order: some hundreds at most."""
        arguments = tenant.project_id, video_id, from_frame, _BATCHES
        return await self._as(tenant).rows(FrameBatch, "next_batches", *arguments)

    def _as(self, tenant: Tenant) -> TenantDatabase:
        return TenantDatabase(self._database, tenant)

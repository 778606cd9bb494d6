"""Videos, as the server keeps them. `Snapshot` has those of one job with what came of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec

from marey.objects.collection import Kind, Objects


class Video(msgspec.Struct, frozen=True, kw_only=True):
    """A video of a job."""

    id: int
    job_id: int
    video_name: str
    video_path: str | None
    """None for an entry of the package that was refused."""
    video_results_path: str
    progress: float
    """Percent of the frames that are done."""
    status: str
    """queued, inferring, collecting, completed, failed or cancelled."""
    error_code: str | None
    error_message: str | None


VIDEO = Kind("video", Video)


class Videos(Objects):
    """Operations on videos, which the service alone makes."""

    def list_videos(
        self, *, job_id: int | None = None, sort: str | None = None, page_size: int | None = None
    ) -> AsyncIterator[Video]:
        """Videos, of one job if it is given. Sorts: id, video_name; `-` reverses."""
        return self._of(VIDEO).all({"job_id": job_id}, sort, page_size)

    async def get_video(self, video_id: int) -> Video:
        """A video."""
        return await self._of(VIDEO).read(video_id)

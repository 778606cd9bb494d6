"""Which files of a job may be downloaded, and where they lie."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFoundError
from orchestrator.objects import ObjectStore
from orchestrator.store import Store, VideoView

VIDEO_FILES = ("keypoints.csv", "keypoints.parquet", "overlay.mp4", "summary.json")
JOB_FILES = ("summary.json",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPlace:
    """A file that a job may have."""

    path: str
    """Its name within the job, for users."""
    key: str
    """Its name in the object store."""
    video: VideoView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFile:
    """A file that is there."""

    place: ResultPlace
    size_bytes: int


class Results:
    """The files of jobs. Only what is listed can be opened."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def files(self, job_id: int) -> list[ResultFile]:
        """The files that are there, the job's own last. Raises NotFoundError for an unknown job."""
        await self._store.job(job_id)
        videos = await self._store.videos(job_id)
        return await asyncio.to_thread(self._existing, result_places(job_id, videos))

    async def local_path(self, job_id: int, path: str) -> Path:
        """The file on disk of a listed `path`. Raises NotFoundError for any other."""
        for file in await self.files(job_id):
            if file.place.path == path:
                return await asyncio.to_thread(self._objects.local_path, file.place.key)
        raise NotFoundError(f"expected a file that GET /job/{job_id}/results lists, got {path[:80]!r}")

    def _existing(self, places: list[ResultPlace]) -> list[ResultFile]:
        return [
            ResultFile(place=place, size_bytes=self._objects.size_bytes(place.key))
            for place in places
            if self._objects.exists(place.key)
        ]


def result_places(job_id: int, videos: Sequence[VideoView]) -> list[ResultPlace]:
    """Every file that the job can have, the job's own last."""
    of_videos = [
        ResultPlace(path=f"videos/{video.id}/{name}", key=f"{video.results_path}{name}", video=video)
        for video in videos
        for name in VIDEO_FILES
    ]
    return of_videos + [ResultPlace(path=name, key=f"jobs/{job_id}/{name}", video=None) for name in JOB_FILES]

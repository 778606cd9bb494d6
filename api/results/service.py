"""Which files of a job may be downloaded, and where they lie."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from api.results.tokens import DownloadGrant, sign, verify
from core.errors import NotFoundError
from orchestrator.objects import ObjectStore
from orchestrator.store import JobStore, Tenant, VideoView

VIDEO_FILES = ("keypoints.csv", "keypoints.parquet", "overlay.mp4", "summary.json")
JOB_FILES = ("summary.json",)
LINK_LIFETIME_S = 60 * 60
"""A download must start within this time."""


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
    """The files of jobs. Only what is listed can be opened, with the links that are listed."""

    def __init__(self, jobs: JobStore, objects: ObjectStore, secret: bytes) -> None:
        self._jobs = jobs
        self._objects = objects
        self._secret = secret

    async def files(self, tenant: Tenant, job_id: int) -> list[ResultFile]:
        """The files that are there, the job's own last. Raises NotFoundError for an unknown job."""
        await self._jobs.job(tenant, job_id)
        videos = await self._jobs.videos(tenant, job_id)
        return await asyncio.to_thread(self._existing, result_places(job_id, videos))

    def token(self, tenant: Tenant, job_id: int, path: str) -> str:
        """Leave to download a file for a while."""
        expires_at_s = int(time.time()) + LINK_LIFETIME_S
        return sign(DownloadGrant(tenant.project_id, job_id, path, expires_at_s), self._secret)

    async def open(self, token: str) -> Path:
        """The file on disk that a token allows. Raises InvalidLinkError, LinkExpiredError, NotFoundError."""
        grant = verify(token, self._secret, time.time())
        tenant = Tenant(project_id=grant.project_id, user_id=0, is_admin=False)
        for file in await self.files(tenant, grant.job_id):
            if file.place.path == grant.path:
                return await asyncio.to_thread(self._objects.local_path, file.place.key)
        raise NotFoundError(f"there is no file {grant.path!r} of job {grant.job_id}")

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

"""Which files of a job may be downloaded, and where they lie."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from api.results.tokens import DownloadGrant, sign, verify
from core.errors import NotFoundError
from orchestrator.objects import ObjectStore
from orchestrator.store import JobStore, Tenant, VideoView

VIDEO_FILES = ("keypoints.csv", "keypoints.parquet", "overlay.mp4", "summary.json")
JOB_FILES = ("summary.json",)
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Files to send as one zip."""

    name: str
    files: list[tuple[str, Path]]
    """Name within the zip, and where the file lies."""


Download = Path | Archive


class Results:
    """The files of jobs. Only what is listed can be opened, with the links that are listed."""

    def __init__(self, jobs: JobStore, objects: ObjectStore, secret: bytes) -> None:
        self._jobs = jobs
        self._objects = objects
        self._secret = secret

    async def files(self, tenant: Tenant, job_id: int) -> list[ResultFile]:
        """The files that are there, the job's own last. Raises NotFoundError for an unknown job."""
        job = await self._jobs.snapshot(tenant, job_id)
        return await asyncio.to_thread(self._existing, result_places(job_id, job.videos))

    def token(self, tenant: Tenant, job_id: int, path: str | None) -> str:
        """Leave to download a file, or an archive of all, for a while."""
        expires_at_s = int(time.time()) + LINK_LIFETIME_S
        return sign(DownloadGrant(tenant.project_id, job_id, path, expires_at_s), self._secret)

    async def open(self, token: str) -> Download:
        """What a token allows. Raises InvalidLinkError, LinkExpiredError, NotFoundError."""
        grant = verify(token, self._secret, time.time())
        tenant = Tenant(project_id=grant.project_id, user_id=0, is_admin=False)
        files = await self.files(tenant, grant.job_id)
        if grant.path is None:
            names = [(archive_name(file.place), file.place.key) for file in files]
            return await asyncio.to_thread(self._archive, grant.job_id, names)
        for file in files:
            if file.place.path == grant.path:
                return await asyncio.to_thread(self._objects.local_path, file.place.key)
        raise NotFoundError(f"there is no file {grant.path[:80]!r} of job {grant.job_id}")

    def _archive(self, job_id: int, names: list[tuple[str, str]]) -> Archive:
        files = [(name, self._objects.local_path(key)) for name, key in names]
        return Archive(name=f"job-{job_id}.zip", files=files)

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


def archive_name(place: ResultPlace) -> str:
    """`<video's name without suffix>-<its id>/<file>` in an archive, `<file>` for the job's own."""
    name = PurePosixPath(place.path).name
    if place.video is None:
        return name
    stem = _UNSAFE.sub("_", PurePosixPath(place.video.name).stem).strip(" .") or "video"
    return f"{stem}-{place.video.id}/{name}"

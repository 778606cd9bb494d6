"""Files that jobs produce."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from marey.downloads import local_paths
from marey.objects.collection import Objects
from marey.requests import Request


class ResultFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file that a job produced."""

    path: str
    """Names the file within the job; the last part is the file's own name."""
    size_bytes: int
    url: str
    video_id: int | None = None
    """None: the file belongs to the job as a whole."""
    video_name: str | None = None


class _ResultList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ResultFile]
    archive_url: str


class Results(Objects):
    """Ways to what a job has produced."""

    async def results(self, job_id: int) -> list[ResultFile]:
        """The files that the job has produced so far, with links that are good for an hour."""
        return (await self._listed(job_id)).items

    async def download_results(self, job_id: int, out: str | os.PathLike[str]) -> list[Path]:
        """Write the job's files to `out/<video name>/`; returns their paths. Raises LocalFileError."""
        files = await self.results(job_id)
        targets = local_paths(files, Path(out))
        for file, target in zip(files, targets, strict=True):
            await self._connection.save(Request("GET", file.url), target)
        return targets

    async def download_archive(self, job_id: int, path: str | os.PathLike[str]) -> Path:
        """Write all of the job's files as one zip; returns its path. Raises LocalFileError."""
        listed = await self._listed(job_id)
        await self._connection.save(Request("GET", listed.archive_url), Path(path))
        return Path(path)

    async def _listed(self, job_id: int) -> _ResultList:
        return await self._connection.send(Request("GET", f"/job/{job_id}/results"), _ResultList)

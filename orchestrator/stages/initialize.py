"""A job's package -> video rows."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from core.errors import ArchiveError
from ingest.archive import ArchiveLimits, ExtractedVideo, Extraction, RefusedEntry, extract_archive
from orchestrator.objects import ObjectStore
from orchestrator.retry import describe
from orchestrator.store import Store
from orchestrator.store.flow import JobSource, PackageEntry
from orchestrator.store.tasks import Lease


class InitializeStep:
    """Unpacks what is safe into the object store, under keys of our own making."""

    def __init__(self, store: Store, objects: ObjectStore, limits: ArchiveLimits) -> None:
        self._store = store
        self._objects = objects
        self._limits = limits

    async def run(self, lease: Lease) -> None:
        """Raises ArchiveError leaves for the package as a whole."""
        source = await self._store.flow.job_source(lease.job_id)
        entries = await asyncio.to_thread(self._unpack, source)
        await self._store.flow.commit_package(lease, entries)

    def _unpack(self, source: JobSource) -> list[PackageEntry]:
        with self._objects.scratch() as folder, _named(source.input_key):
            package = extract_archive(self._objects.local_path(source.input_key), folder, self._limits)
            self._keep_metadata(source.id, package)
            stored = [self._stored(source.id, video) for video in package.videos]
        refused = [_refused(entry) for entry in package.refused]
        return stored + refused

    def _stored(self, job_id: int, video: ExtractedVideo) -> PackageEntry:
        return PackageEntry(name=video.name, key=self._move(job_id, "sources", video.path))

    def _keep_metadata(self, job_id: int, package: Extraction) -> None:
        """The files that are no videos, and their names, which are not used as keys."""
        files = {file.name: self._move(job_id, "metadata", file.path) for file in package.metadata}
        self._objects.put(f"jobs/{job_id}/metadata.json", msgspec.json.encode(files))

    def _move(self, job_id: int, folder: str, path: Path) -> str:
        key = f"jobs/{job_id}/{folder}/{path.name}"
        self._objects.put_file(key, path)
        return key


@contextmanager
def _named(input_key: str) -> Iterator[None]:
    """What is wrong with a package as a whole names the upload, as its sender knows it."""
    try:
        yield
    except ArchiveError as error:
        raise type(error)(f"{input_key}: {error}") from error


def _refused(entry: RefusedEntry) -> PackageEntry:
    return PackageEntry(name=entry.name, key=None, failure=describe(entry.error))

"""Objects in a bucket that speaks the S3 API. Only this file imports obstore."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from core.errors import (
    ConfigurationError,
    NotFoundError,
    ObjectStoreError,
    UploadTooLargeError,
    UploadUsedError,
)
from orchestrator.file_cache import FileCache
from orchestrator.objects import TEMPORARY, checked_key

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

_PART_BYTES = 8 << 20
_PARTS_IN_FLIGHT = 4
_REQUEST_TIMEOUT = timedelta(seconds=60)
"""For one part at most."""
_CONNECT_TIMEOUT = timedelta(seconds=5)
_RETRY_TIMEOUT = timedelta(seconds=30)
_CLAIM_LIFETIME = timedelta(minutes=2)
"""To name an object that is there takes less."""


class S3ObjectStore:
    """An ObjectStore in a bucket. Files that programs must open are copied to this machine once."""

    def __init__(self, bucket: S3Store, cache: FileCache) -> None:
        self._bucket = bucket
        self._cache = cache

    @classmethod
    def open(cls, url: str, cache: FileCache) -> S3ObjectStore:
        """The store at s3://bucket/prefix, as the usual AWS_* variables describe it: endpoint, region, keys.

        Raises ConfigurationError if they cannot be used.
        """
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigurationError(f"MAREY_STORE_URL: expected s3://bucket/prefix, got {url!r}")
        try:
            store = S3Store(
                bucket,
                prefix=prefix.strip("/") or None,
                # Whether it is http is the endpoint's to say.
                client_options={
                    "allow_http": True,
                    "timeout": _REQUEST_TIMEOUT,
                    "connect_timeout": _CONNECT_TIMEOUT,
                },
                retry_config={"max_retries": 5, "retry_timeout": _RETRY_TIMEOUT},
            )
        except (BaseError, ValueError) as error:
            raise ConfigurationError(f"object store: {url}: {error}") from error
        return cls(store, cache)

    def put(self, key: str, data: bytes) -> None:
        """Store `data`, replacing what was there."""
        with _s3_errors(key):
            obstore.put(self._bucket, checked_key(key), data)

    def put_file(self, key: str, path: Path) -> None:
        """Store the file at `path`, replacing what was there; the file is gone."""
        with _s3_errors(key):
            obstore.put(
                self._bucket,
                checked_key(key),
                path,
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_IN_FLIGHT,
            )
            path.unlink()

    async def receive(self, key: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Store what comes in under a new key; return its size. It gets its name when it is complete."""
        draft, pieces = f"{TEMPORARY}/{uuid4().hex}", _Pieces(chunks, max_bytes)
        first = await pieces.next_or_none()
        with _s3_errors(key):
            try:
                await obstore.put_async(
                    self._bucket,
                    draft,
                    b"" if first is None else pieces.from_first(first),
                    chunk_size=_PART_BYTES,
                    max_concurrency=_PARTS_IN_FLIGHT,
                )
                await self._name(draft, checked_key(key))
            finally:
                with suppress(FileNotFoundError):
                    await obstore.delete_async(self._bucket, draft)
        return pieces.byte_count

    async def _name(self, draft: str, key: str) -> None:
        """Give the draft its key; of several at once, the one whose claim is there first wins.

        A claim without its object is of an upload that is being named, or of a process that was killed.
        """
        if await asyncio.to_thread(self.exists, key):
            raise UploadUsedError
        claim = f"{TEMPORARY}/claims/{key}"
        try:
            await obstore.put_async(self._bucket, claim, b"", mode="create")
        except AlreadyExistsError as error:
            meta = await obstore.head_async(self._bucket, claim)
            if datetime.now(UTC) - meta["last_modified"] < _CLAIM_LIFETIME:
                raise UploadUsedError from error
        try:
            await obstore.copy_async(self._bucket, draft, key)
        except BaseException:
            await obstore.delete_async(self._bucket, claim)
            raise

    def read(self, key: str) -> bytes:
        """The whole object."""
        with _s3_errors(key):
            return bytes(obstore.get(self._bucket, checked_key(key)).bytes())

    def local_path(self, key: str) -> Path:
        """A copy on this machine, under the object's own file name. A changed object is another copy."""
        with _s3_errors(key):
            meta = obstore.head(self._bucket, checked_key(key))
            content = hashlib.sha256(f"{key}\0{meta['e_tag']}".encode()).hexdigest()
            name = f"{content}/{PurePosixPath(key).name}"

            def fetch(path: Path) -> None:
                self._fetch(key, meta, path)

            return self._cache.file(name, meta["size"], fetch)

    def size_bytes(self, key: str) -> int:
        """Size of the object."""
        with _s3_errors(key):
            return obstore.head(self._bucket, checked_key(key))["size"]

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        try:
            self.size_bytes(key)
        except NotFoundError:
            return False
        return True

    def keys(self, prefix: str) -> list[str]:
        """The keys below `prefix`, sorted."""
        with _s3_errors(prefix):
            pages = obstore.list(self._bucket, prefix=checked_key(prefix.rstrip("/")))
            return sorted(meta["path"] for page in pages for meta in page)

    def delete(self, key: str) -> None:
        """Remove the object, if it is there."""
        with suppress(NotFoundError), _s3_errors(key):
            obstore.delete(self._bucket, checked_key(key))

    def free_bytes(self) -> None:
        """A bucket has no bound."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A directory on this machine for files on their way into the store, removed at the end."""
        return self._cache.scratch_store().scratch()

    def _fetch(self, key: str, meta: ObjectMeta, path: Path) -> None:
        """In pieces, each with its own time limit and of the same version."""
        with path.open("wb") as file:
            for start in range(0, meta["size"], _PART_BYTES):
                options: GetOptions = {"range": (start, min(start + _PART_BYTES, meta["size"]))}
                if meta["e_tag"]:
                    options["if_match"] = meta["e_tag"]
                file.write(obstore.get(self._bucket, key, options=options).bytes())


class _Pieces:
    """What comes in, counted. Raises UploadTooLargeError beyond `max_bytes`."""

    def __init__(self, chunks: AsyncIterator[bytes], max_bytes: int) -> None:
        self._chunks = chunks
        self._max_bytes = max_bytes
        self.byte_count = 0

    async def next_or_none(self) -> bytes | None:
        """The next piece that is not empty; None at the end."""
        async for chunk in self._chunks:
            self.byte_count += len(chunk)
            if self.byte_count > self._max_bytes:
                raise UploadTooLargeError(f"expected at most {self._max_bytes} bytes, got more")
            if chunk:
                return chunk
        return None

    async def from_first(self, first: bytes) -> AsyncIterator[bytes]:
        """`first`, then the rest."""
        chunk: bytes | None = first
        while chunk is not None:
            yield chunk
            chunk = await self.next_or_none()


@contextmanager
def _s3_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no object {key!r}") from error
    except (BaseError, OSError) as error:
        raise ObjectStoreError(f"object store: {key!r}: {error}") from error

"""Where packages, videos and results are kept, by key."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from core.errors import (
    ConfigurationError,
    NotFoundError,
    ObjectStoreError,
    UploadTooLargeError,
    UploadUsedError,
)
from core.locks import try_lock

TEMPORARY = ".tmp"
"""What the keys of unfinished objects start with."""


class ObjectStore(Protocol):
    """Objects by key, such as `jobs/7/videos/12/keypoints.csv`.

    An object appears whole or not at all. A missing key raises NotFoundError, a failing store
    ObjectStoreError.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store `data`, replacing what was there."""

    def put_file(self, key: str, path: Path) -> None:
        """Store the file at `path` in a `scratch` directory, replacing what was there; the file is gone."""

    async def receive(self, key: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Store what comes in under a new key; return its size. Raises UploadUsedError if the key is
        taken, UploadTooLargeError if `max_bytes` are exceeded."""

    def read(self, key: str) -> bytes:
        """The whole object."""

    def local_path(self, key: str) -> Path:
        """A file on this machine with the object's content; not to be written to."""

    def size_bytes(self, key: str) -> int:
        """Size of the object."""

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""

    def keys(self, prefix: str) -> list[str]:
        """The keys below `prefix`, which ends with `/`, sorted."""

    def delete(self, key: str) -> None:
        """Remove the object, if it is there."""

    def free_bytes(self) -> int | None:
        """Room that is left; None if the store knows no bound."""

    def scratch(self) -> AbstractContextManager[Path]:
        """A directory for files on their way into the store, removed at the end."""


class LocalObjectStore:
    """An ObjectStore in a directory of this machine.

    Drafts are locked by their process: what a killed one left behind is removed when the next one opens the
    store.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        try:
            (root / TEMPORARY).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"object store: cannot write to {root}: {error}") from error
        _sweep(root / TEMPORARY)

    def put(self, key: str, data: bytes) -> None:
        """Store `data`, replacing what was there."""
        with self._draft(key) as (file, draft):
            file.write(data)
            _sync(file)
            draft.replace(self._made(key))

    def put_file(self, key: str, path: Path) -> None:
        """Move the file at `path` to its place, replacing what was there."""
        with _object_errors(key):
            with path.open("rb") as file:
                os.fsync(file.fileno())
            path.replace(self._made(key))

    async def receive(self, key: str, chunks: AsyncIterator[bytes], max_bytes: int) -> int:
        """Store what comes in under a new key; return its size."""
        with self._draft(key) as (file, draft):
            async for chunk in chunks:
                file.write(chunk)
                if file.tell() > max_bytes:
                    raise UploadTooLargeError(f"expected at most {max_bytes} bytes, got more")
            _sync(file)
            try:
                os.link(draft, self._made(key))
            except FileExistsError as error:
                raise UploadUsedError from error
            return file.tell()

    def read(self, key: str) -> bytes:
        """The whole object."""
        with _object_errors(key):
            return self._path(key).read_bytes()

    def local_path(self, key: str) -> Path:
        """The object's own file."""
        if not self.exists(key):
            raise NotFoundError(f"there is no object {key!r}")
        return self._path(key)

    def size_bytes(self, key: str) -> int:
        """Size of the object."""
        with _object_errors(key):
            return self._path(key).stat().st_size

    def exists(self, key: str) -> bool:
        """Whether there is such an object."""
        return self._path(key).is_file()

    def keys(self, prefix: str) -> list[str]:
        """The keys below `prefix`, sorted."""
        folder = self._path(prefix.rstrip("/"))
        files = (path for path in folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self._root).as_posix() for path in files)

    def delete(self, key: str) -> None:
        """Remove the object, if it is there."""
        with _object_errors(key):
            self._path(key).unlink(missing_ok=True)

    def free_bytes(self) -> int:
        """Room on the directory's disk."""
        with _object_errors("."):
            return shutil.disk_usage(self._root).free

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory for files on their way into the store, removed at the end."""
        with _object_errors(TEMPORARY):
            folder, lock = _locked(lambda: Path(tempfile.mkdtemp(dir=self._root / TEMPORARY)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def _path(self, key: str) -> Path:
        return self._root.joinpath(PurePosixPath(checked_key(key)))

    def _made(self, key: str) -> Path:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def _draft(self, key: str) -> Iterator[tuple[BinaryIO, Path]]:
        """A file to write to, gone at the end unless it was moved to its place."""
        with _object_errors(key):
            draft, lock = _locked(lambda: _empty_file(self._root / TEMPORARY))
            try:
                with draft.open("wb") as file:
                    yield file, draft
            finally:
                draft.unlink(missing_ok=True)
                os.close(lock)


def checked_key(key: str) -> str:
    """The key. Raises NotFoundError for one that could leave the store: nothing is ever stored under it."""
    parts = key.split("/")
    if "\0" in key or key.startswith(TEMPORARY) or any(part in {"", ".", ".."} for part in parts):
        raise NotFoundError(f"there is no object {key!r}")
    return key


def _sweep(folder: Path) -> None:
    """Remove the drafts whose owners are dead."""
    for draft in folder.iterdir():
        try:
            descriptor = os.open(draft, os.O_RDONLY)
        except (FileNotFoundError, PermissionError):
            continue
        if try_lock(descriptor):
            _remove(draft)
        os.close(descriptor)


def _locked(make: Callable[[], Path]) -> tuple[Path, int]:
    """A new draft and its lock; made again if another process took it for left behind before the lock."""
    while True:
        draft = make()
        with suppress(FileNotFoundError):
            descriptor = os.open(draft, os.O_RDONLY)
            if try_lock(descriptor) and draft.exists():
                return draft, descriptor
            os.close(descriptor)


def _empty_file(folder: Path) -> Path:
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    return Path(name)


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        draft.unlink(missing_ok=True)


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _object_errors(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no object {key!r}") from error
    except OSError as error:
        raise ObjectStoreError(f"object store: {key!r}: {error}") from error

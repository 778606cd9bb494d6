"""Packages of videos (zip files) to files under names of our own making.

Nothing in a package is believed: sizes are counted as bytes come out, kinds are read from content.
"""

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from core.errors import (
    ArchiveTooLargeError,
    CorruptEntryError,
    EmptyArchiveError,
    EncryptedEntryError,
    EntryError,
    NestedArchiveError,
    NotAZipError,
    NoVideoError,
    ObjectStoreError,
    SuspiciousRatioError,
    TooManyEntriesError,
)
from ingest.archive_directory import directory_size_bytes
from ingest.archive_names import EntryNames, is_ignored, is_nested_archive
from ingest.containers import SNIFF_BYTES, VIDEO_SUFFIXES, sniff

_CHUNK_BYTES = 1 << 20
_RATIO_FLOOR_BYTES = 1 << 20
"""Entries below this size may shrink by any factor: the ratio of small texts says nothing."""
_DIRECTORY_BYTES_PER_ENTRY = 1024
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """What one package may be at most."""

    max_entries: int = 1000
    max_total_bytes: int = 64 << 30
    max_entry_bytes: int = 32 << 30
    max_ratio: float = 200.0
    """Unpacked bytes per packed byte, of an entry and of the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedVideo:
    """A file of the package that is a video, or claims to be one by its name."""

    name: str
    """As in the package, with forward slashes."""
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedMetadata:
    """Any other file of the package."""

    name: str
    path: Path
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """A file of the package that was not unpacked."""

    name: str
    error: EntryError


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What a package held, in its order."""

    videos: tuple[ExtractedVideo, ...]
    metadata: tuple[ExtractedMetadata, ...]
    refused: tuple[RefusedEntry, ...]


def extract_archive(archive: Path, into: Path, limits: ArchiveLimits) -> Extraction:
    """Unpack `archive` into the existing directory `into`.

    An entry that is unsafe or damaged is refused and the others go on. Raises ArchiveError leaves for
    the package as a whole, after removing what was written, and ObjectStoreError if the disk fails.
    """
    unpacking = _Unpacking(into=into, limits=limits, archive_bytes=_size_bytes(archive))
    try:
        with _archive_errors(archive), _open_zip(archive, limits) as package:
            for entry in _listed_entries(package, limits):
                unpacking.take(package, entry)
        return unpacking.result()
    except BaseException:
        unpacking.remove_files()
        raise


def _size_bytes(archive: Path) -> int:
    with _archive_errors(archive):
        return archive.stat().st_size


@contextmanager
def _archive_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error) as error:
        raise NotAZipError(f"expected a zip file, got one that does not read: {error}") from error
    except OSError as error:
        raise ObjectStoreError(f"{archive.name}: expected to unpack it, got: {error}") from error


@contextmanager
def _entry_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError) as error:
        raise CorruptEntryError(f"{name}: expected data that unpack, got: {error}") from error
    except (NotImplementedError, RuntimeError) as error:
        raise CorruptEntryError(f"{name}: expected a known compression method, got: {error}") from error


def _open_zip(archive: Path, limits: ArchiveLimits) -> zipfile.ZipFile:
    """Open, after making sure that the directory is not so large that listing it costs much memory."""
    size = directory_size_bytes(archive)
    if size > limits.max_entries * _DIRECTORY_BYTES_PER_ENTRY:
        raise TooManyEntriesError(
            f"expected at most {limits.max_entries} entries, got a directory of {size} bytes"
        )
    return zipfile.ZipFile(archive)


def _listed_entries(package: zipfile.ZipFile, limits: ArchiveLimits) -> list[zipfile.ZipInfo]:
    entries = package.infolist()
    if len(entries) > limits.max_entries:
        raise TooManyEntriesError(f"expected at most {limits.max_entries} entries, got {len(entries)}")
    files = [entry for entry in entries if not is_ignored(entry.orig_filename)]
    if not files:
        raise EmptyArchiveError("expected at least one file in the package, got none")
    return files


@dataclass(slots=True, kw_only=True)
class _Unpacking:
    """The state of one unpacking: names seen, bytes written, what came of each entry."""

    into: Path
    limits: ArchiveLimits
    archive_bytes: int
    names: EntryNames = field(default_factory=EntryNames)
    total_bytes: int = 0
    written: list[Path] = field(default_factory=list)
    videos: list[ExtractedVideo] = field(default_factory=list)
    metadata: list[ExtractedMetadata] = field(default_factory=list)
    refused: list[RefusedEntry] = field(default_factory=list)

    def take(self, package: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        """Unpack one entry, or note why not."""
        try:
            name = self.names.accept(entry)
            if entry.flag_bits & _ENCRYPTED_FLAGS:
                raise EncryptedEntryError(f"{name}: expected a file without a password, got an encrypted one")
            self._unpack(package, entry, name)
        except EntryError as error:
            self.refused.append(RefusedEntry(name=_printable(entry.orig_filename), error=error))

    def result(self) -> Extraction:
        """What came out. Raises NoVideoError if no video did."""
        if not self.videos:
            refused = ", ".join(f"{entry.name} ({entry.error.code})" for entry in self.refused[:5])
            raise NoVideoError(
                f"expected at least one video in the package, got {len(self.metadata)} other files and "
                f"{len(self.refused)} refused ones{': ' if refused else ''}{refused}"
            )
        return Extraction(
            videos=tuple(self.videos), metadata=tuple(self.metadata), refused=tuple(self.refused)
        )

    def remove_files(self) -> None:
        """Undo what was written."""
        for path in self.written:
            path.unlink(missing_ok=True)

    def _unpack(self, package: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
        with _entry_errors(name):
            source = package.open(entry)
        with source:
            head = _read(source, SNIFF_BYTES, name)
            if is_nested_archive(head):
                raise NestedArchiveError(f"{name}: expected a video or a data file, got an archive")
            container = sniff(head)
            is_video = container is not None or Path(name).suffix.lower() in VIDEO_SUFFIXES
            path = self._new_path(container.suffix if container else ".bin")
            size = self._copy(source, head, entry, path)
        if is_video:
            self.videos.append(ExtractedVideo(name=name, path=path, size_bytes=size))
        else:
            self.metadata.append(ExtractedMetadata(name=name, path=path, size_bytes=size))

    def _new_path(self, suffix: str) -> Path:
        self.written.append(self.into / f"{len(self.written):04d}{suffix}")
        return self.written[-1]

    def _copy(self, source: IO[bytes], head: bytes, entry: zipfile.ZipInfo, path: Path) -> int:
        size = 0
        chunk = head
        try:
            with path.open("wb") as target:
                while chunk:
                    size += len(chunk)
                    self._count(len(chunk), size, entry)
                    target.write(chunk)
                    chunk = _read(source, _CHUNK_BYTES, entry.filename)
        except EntryError:
            path.unlink()
            raise
        return size

    def _count(self, new_bytes: int, entry_bytes: int, entry: zipfile.ZipInfo) -> None:
        """Raise ArchiveError leaves as soon as the bytes that came out pass a limit."""
        limits = self.limits
        self.total_bytes += new_bytes
        if entry_bytes > limits.max_entry_bytes:
            raise ArchiveTooLargeError(
                f"{entry.filename}: expected at most {limits.max_entry_bytes} bytes unpacked, got more"
            )
        if self.total_bytes > limits.max_total_bytes:
            raise ArchiveTooLargeError(f"expected at most {limits.max_total_bytes} bytes unpacked, got more")
        packed_bytes = min(entry.compress_size, self.archive_bytes)
        if _is_suspicious(entry_bytes, packed_bytes, limits) or _is_suspicious(
            self.total_bytes, self.archive_bytes, limits
        ):
            raise SuspiciousRatioError(
                f"{entry.filename}: expected a ratio of at most {limits.max_ratio:g} when unpacked, got more"
            )


def _is_suspicious(unpacked_bytes: int, packed_bytes: int, limits: ArchiveLimits) -> bool:
    return unpacked_bytes > _RATIO_FLOOR_BYTES and unpacked_bytes > limits.max_ratio * packed_bytes


def _read(source: IO[bytes], size: int, name: str) -> bytes:
    with _entry_errors(name):
        return source.read(size)


def _printable(name: str) -> str:
    return name.encode("unicode_escape").decode("ascii") if not name.isprintable() else name

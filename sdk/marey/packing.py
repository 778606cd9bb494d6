"""Videos on disk -> the one zip that is uploaded."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from marey.errors import PackingError

_COPY_BYTES = 1 << 20


@contextmanager
def packed(paths: Sequence[Path]) -> Iterator[Path]:
    """A zip with the videos, removed afterwards; a zip given alone is used as it is.

    Video is compressed already, so entries are stored. Raises PackingError for what cannot be packed.
    """
    _check(paths)
    if len(paths) == 1 and _is_zip(paths[0]):
        yield paths[0]
        return
    with tempfile.TemporaryDirectory(prefix="marey-") as folder:
        archive = Path(folder, "package.zip")
        _write(archive, paths)
        yield archive


def unique_names(names: Sequence[str]) -> list[str]:
    """The names in order, later equals (ignoring case) numbered: clip.mp4, clip-2.mp4."""
    taken: set[str] = set()
    unique = []
    for name in names:
        stem, suffix = Path(name).stem, Path(name).suffix
        candidate, number = name, 2
        while candidate.lower() in taken:
            candidate, number = f"{stem}-{number}{suffix}", number + 1
        taken.add(candidate.lower())
        unique.append(candidate)
    return unique


def _check(paths: Sequence[Path]) -> None:
    if not paths:
        raise PackingError("expected at least one video or zip, got none")
    for path in paths:
        if not path.exists():
            raise PackingError(f"expected a video or a zip, got {str(path)!r}, which does not exist")
        if not path.is_file():
            raise PackingError(f"expected a video or a zip, got {str(path)!r}, which is not a file")
    zips = [path.name for path in paths if _is_zip(path)]
    if zips and len(paths) > 1:
        raise PackingError(
            f"expected videos only, or one zip alone, got {zips[0]!r} among {len(paths)} files"
        )


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip"


def _write(archive: Path, paths: Sequence[Path]) -> None:
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED, strict_timestamps=False) as package:
            for path, name in zip(paths, unique_names([path.name for path in paths]), strict=True):
                _add(package, path, name)
    except OSError as error:
        raise PackingError(f"packing failed: {error}") from error


def _add(package: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    with path.open("rb") as source, package.open(entry, "w", force_zip64=True) as target:
        shutil.copyfileobj(source, target, _COPY_BYTES)

"""Copies of objects on this machine's disk, within a bound. Processes may share a folder."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir

from orchestrator.objects import LocalObjectStore

_IN_USE_S = 600.0
"""A copy that was asked for so recently may be about to be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Where a process keeps copies of objects that lie elsewhere."""

    folder: Path = field(default_factory=lambda: Path(gettempdir(), f"marey-cache-{os.getuid()}"))
    max_bytes: int = 20 << 30
    """More only while all of it is in use."""


class FileCache:
    """Files by name; the ones that were not asked for the longest make room for others."""

    def __init__(self, settings: CacheSettings) -> None:
        self._settings = settings
        self._files = LocalObjectStore(settings.folder)
        self._lock = threading.Lock()

    def file(self, name: str, byte_size: int, fetch: Callable[[Path], None]) -> Path:
        """The file `name` of `byte_size`, which `fetch` writes to the path it is given if it is not here.

        `name` has two parts, `<folder>/<file>`, and stands for one content for ever.
        """
        with self._lock:
            if not self._files.exists(name):
                self._make_room(byte_size)
                with self._files.scratch() as folder:
                    fetch(folder / "draft")
                    self._files.put_file(name, folder / "draft")
            path = self._files.local_path(name)
            os.utime(path.parent)
            return path

    def scratch_store(self) -> LocalObjectStore:
        """Gives `scratch` directories on the cache's disk."""
        return self._files

    def _make_room(self, byte_size: int) -> None:
        now_s = time.time()
        folders = sorted((_Copy.of(path) for path in self._settings.folder.glob("[!.]*")), key=_age_key)
        excess = sum(copy.byte_size for copy in folders) + byte_size - self._settings.max_bytes
        for copy in folders:
            if excess <= 0 or now_s - copy.used_at_s < _IN_USE_S:
                return
            shutil.rmtree(copy.folder, ignore_errors=True)
            excess -= copy.byte_size


@dataclass(frozen=True, slots=True)
class _Copy:
    folder: Path
    byte_size: int
    used_at_s: float

    @classmethod
    def of(cls, folder: Path) -> "_Copy":
        """0 bytes for one that another process has just removed."""
        try:
            byte_size = sum(path.stat().st_size for path in folder.iterdir())
            return cls(folder, byte_size, folder.stat().st_mtime)
        except FileNotFoundError:
            return cls(folder, 0, 0.0)


def _age_key(copy: _Copy) -> float:
    return copy.used_at_s

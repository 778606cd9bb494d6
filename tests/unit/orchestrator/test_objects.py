"""Objects in a directory."""

import os
import time
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from orchestrator.file_cache import CacheSettings, FileCache
from orchestrator.object_stores import open_object_store
from orchestrator.objects import LocalObjectStore


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "objects")


def test_what_a_killed_process_left_behind_is_removed(objects: LocalObjectStore, tmp_path: Path) -> None:
    drafts = tmp_path / "objects" / ".tmp"
    (drafts / "file").write_bytes(b"half")
    (drafts / "folder").mkdir()
    (drafts / "folder" / "overlay.mp4").write_bytes(b"half")
    with objects.scratch() as folder:
        (folder / "mine").write_bytes(b"under way")
        LocalObjectStore(tmp_path / "objects")
        assert list(drafts.iterdir()) == [folder]
        assert (folder / "mine").exists()
    assert list(drafts.iterdir()) == []


@pytest.mark.parametrize("url", ["", "/data", "s3://", "s3:///prefix", "file://data", "gs://bucket"])
def test_the_url_is_checked(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="MAREY_STORE_URL: expected"):
        open_object_store(url, CacheSettings(folder=tmp_path))


def test_the_cache_keeps_what_was_asked_for_last(tmp_path: Path) -> None:
    cache = FileCache(CacheSettings(folder=tmp_path, max_bytes=30))
    fetched: list[str] = []

    def file(name: str) -> Path:
        def fetch(path: Path) -> None:
            fetched.append(name)
            path.write_bytes(b"x" * 10)

        return cache.file(f"{name}/v.mp4", 10, fetch)

    for age_s, name in ((3000, "a"), (2000, "b"), (1000, "c")):
        long_ago_s = time.time() - age_s
        os.utime(file(name).parent, (long_ago_s, long_ago_s))
    file("a")
    paths = [file(name) for name in ("d", "a", "c", "b")]
    assert fetched == ["a", "b", "c", "d", "b"]
    assert all(path.read_bytes() == b"x" * 10 and path.name == "v.mp4" for path in paths)

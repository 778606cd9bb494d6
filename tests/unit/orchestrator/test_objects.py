"""Objects in a directory."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError, NotFoundError, UploadTooLargeError, UploadUsedError
from orchestrator.objects import LocalObjectStore, open_object_store

SEGMENTS = st.text("abz09-_. é", min_size=1, max_size=8).filter(lambda text: text not in {".", "..", ".tmp"})


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "objects")


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


def files_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@given(segments=st.lists(SEGMENTS, min_size=1, max_size=4), data=st.binary(max_size=100))
def test_what_is_put_is_read(
    tmp_path_factory: pytest.TempPathFactory, segments: list[str], data: bytes
) -> None:
    store = LocalObjectStore(tmp_path_factory.mktemp("objects"))
    key = "/".join(segments)
    store.put(key, b"older")
    store.put(key, data)
    assert (store.read(key), store.size_bytes(key), store.exists(key)) == (data, len(data), True)
    assert store.local_path(key).read_bytes() == data


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", ".tmp/x", "a\0b"])
def test_keys_cannot_leave_the_store(objects: LocalObjectStore, key: str) -> None:
    with pytest.raises(NotFoundError):
        objects.put(key, b"x")
    with pytest.raises(NotFoundError):
        objects.read(key)


def test_missing_objects_are_not_found(objects: LocalObjectStore) -> None:
    for ask in (objects.read, objects.size_bytes, objects.local_path):
        with pytest.raises(NotFoundError, match="'a/b'"):
            ask("a/b")
    assert not objects.exists("a/b")
    assert objects.keys("a/") == []
    objects.delete("a/b")


def test_keys_are_listed_below_a_prefix(objects: LocalObjectStore) -> None:
    for key in ("jobs/1/b", "jobs/1/a/c", "jobs/10/d"):
        objects.put(key, b"")
    assert objects.keys("jobs/1/") == ["jobs/1/a/c", "jobs/1/b"]


def test_a_scratch_file_is_moved_in(objects: LocalObjectStore, tmp_path: Path) -> None:
    with objects.scratch() as folder:
        (folder / "left").write_bytes(b"behind")
        (folder / "draft").write_bytes(b"content")
        objects.put_file("a/b", folder / "draft")
    assert objects.read("a/b") == b"content"
    assert files_below(tmp_path) == ["b"]


async def test_an_upload_is_received_once(objects: LocalObjectStore, tmp_path: Path) -> None:
    assert await objects.receive("u", chunks(b"ab", b"cd"), 4) == 4
    with pytest.raises(UploadUsedError):
        await objects.receive("u", chunks(b"other"), 10)
    assert objects.read("u") == b"abcd"
    assert files_below(tmp_path) == ["u"]


async def test_an_upload_is_bounded(objects: LocalObjectStore, tmp_path: Path) -> None:
    with pytest.raises(UploadTooLargeError, match="at most 3 bytes"):
        await objects.receive("u", chunks(b"ab", b"cd"), 3)
    assert files_below(tmp_path) == []


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


@pytest.mark.parametrize("url", ["", "/data", "s3://bucket", "file://data"])
def test_the_url_is_checked(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MAREY_STORE_URL: expected file:///"):
        open_object_store(url)

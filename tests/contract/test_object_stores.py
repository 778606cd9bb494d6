"""What every object store promises: a directory, and a bucket of a real S3 server."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import NotFoundError, ObjectStoreError, UploadTooLargeError, UploadUsedError
from orchestrator.file_cache import CacheSettings
from orchestrator.object_stores import open_object_store
from orchestrator.objects import ObjectStore
from tests.services.s3 import S3Server

pytestmark = pytest.mark.timeout(180)
SEGMENTS = st.text("abz09-_. é", min_size=1, max_size=8).filter(lambda text: text not in {".", "..", ".tmp"})
LARGE = 20_000_000
"""More than one part."""


@pytest.fixture(params=["file", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """A store of each kind."""
    url = (tmp_path / "objects").as_uri()
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        url = server.url(uuid4().hex)
    return open_object_store(url, CacheSettings(folder=tmp_path / "cache"))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        await asyncio.sleep(0)
        yield part


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segments=st.lists(SEGMENTS, min_size=1, max_size=4), data=st.binary(max_size=100))
def test_what_is_put_is_read(objects: ObjectStore, segments: list[str], data: bytes) -> None:
    key = "/".join([uuid4().hex, *segments])
    objects.put(key, b"older")
    objects.put(key, data)
    assert (objects.read(key), objects.size_bytes(key), objects.exists(key)) == (data, len(data), True)
    assert objects.local_path(key).read_bytes() == data
    assert objects.keys(key.split("/")[0] + "/") == [key]


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", ".tmp/x", "a\0b"])
def test_keys_cannot_leave_the_store(objects: ObjectStore, key: str) -> None:
    with pytest.raises(NotFoundError):
        objects.put(key, b"x")
    with pytest.raises(NotFoundError):
        objects.read(key)


def test_missing_objects_are_not_found(objects: ObjectStore) -> None:
    for ask in (objects.read, objects.size_bytes, objects.local_path):
        with pytest.raises(NotFoundError, match="'a/b'"):
            ask("a/b")
    assert not objects.exists("a/b")
    assert objects.keys("a/") == []
    objects.delete("a/b")


def test_keys_are_listed_below_a_prefix(objects: ObjectStore) -> None:
    for key in ("jobs/1/b", "jobs/1/a/c", "jobs/10/d"):
        objects.put(key, b"x")
    assert objects.keys("jobs/1/") == ["jobs/1/a/c", "jobs/1/b"]
    objects.delete("jobs/1/b")
    assert objects.keys("jobs/1/") == ["jobs/1/a/c"]


def test_a_scratch_file_is_moved_in(objects: ObjectStore, tmp_path: Path) -> None:
    content = os.urandom(LARGE)
    with objects.scratch() as folder:
        (folder / "left").write_bytes(b"behind")
        (folder / "draft").write_bytes(content)
        objects.put_file("a/b.mp4", folder / "draft")
        assert not (folder / "draft").exists()
    assert objects.read("a/b.mp4") == content
    assert not list(tmp_path.rglob("left"))


def test_a_local_copy_follows_the_object(objects: ObjectStore) -> None:
    objects.put("a/v.mp4", os.urandom(LARGE))
    first = objects.local_path("a/v.mp4")
    assert first.name == "v.mp4"
    assert first.read_bytes() == objects.read("a/v.mp4")
    assert objects.local_path("a/v.mp4") == first
    objects.put("a/v.mp4", b"another")
    assert objects.local_path("a/v.mp4").read_bytes() == b"another"


@pytest.mark.parametrize(
    "parts", [(b"ab", b"", b"cd"), (b"",), (b"x" * LARGE,)], ids=["small", "none", "large"]
)
async def test_an_upload_is_received_once(objects: ObjectStore, parts: tuple[bytes, ...]) -> None:
    content = b"".join(parts)
    assert await objects.receive("u", chunks(*parts), LARGE) == len(content)
    with pytest.raises(UploadUsedError):
        await objects.receive("u", chunks(b"other"), 10)
    assert objects.read("u") == content


async def test_of_uploads_at_once_one_wins(objects: ObjectStore) -> None:
    uploads = [objects.receive("u", chunks(bytes([n]) * 100_000), 100_000) for n in range(6)]
    ends = await asyncio.gather(*uploads, return_exceptions=True)
    assert sorted(str(end) for end in ends if not isinstance(end, int)) == [str(UploadUsedError())] * 5
    content = objects.read("u")
    assert len(content) == 100_000
    assert len(set(content)) == 1


async def test_a_broken_upload_leaves_the_key_free(objects: ObjectStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * LARGE
        raise ConnectionError("gone")

    with pytest.raises(UploadTooLargeError, match="at most 3 bytes"):
        await objects.receive("u", chunks(b"ab", b"cd"), 3)
    with pytest.raises(ObjectStoreError):
        await objects.receive("u", broken(), 2 * LARGE)
    assert not objects.exists("u")
    assert await objects.receive("u", chunks(b"whole"), 10) == 5


def test_a_store_that_is_away_is_an_object_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_server: S3Server
) -> None:
    for name, value in {**s3_server.environment, "AWS_SECRET_ACCESS_KEY": "wrong"}.items():
        monkeypatch.setenv(name, value)
    objects = open_object_store(s3_server.url("x"), CacheSettings(folder=tmp_path))
    for ask in (objects.read, objects.exists, objects.local_path, objects.delete):
        with pytest.raises(ObjectStoreError, match="object store: 'a'"):
            ask("a")

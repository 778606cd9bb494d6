"""SIGTERM to the API: uploads under way arrive, or leave nothing behind and can be sent again."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.uploads.tokens import UploadGrant, new_grant, sign
from tests.services.processes import MareyProcess, marey_process
from tests.services.running import answers, free_port
from tests.services.waiting import until

SECRET = "s" * 32
DEADLINE_S = 40.0
HALF = b"x" * 100_000


@contextmanager
def api(database_url: str, folder: Path, port: int, drain_timeout_s: int) -> Iterator[MareyProcess]:
    """An API without NATS and Triton."""
    environment = {
        "MAREY_DATABASE_URL": database_url,
        "MAREY_NATS_URL": "nats://127.0.0.1:9",
        "MAREY_TRITON_URL": "127.0.0.1:9",
        "MAREY_STORE_URL": (folder / "objects").as_uri(),
        "MAREY_SECRET": SECRET,
        "MAREY_API_PORT": str(port),
        "MAREY_DRAIN_TIMEOUT_S": str(drain_timeout_s),
    }
    with marey_process("api", environment, folder) as process:
        yield process


@pytest.fixture
def grant() -> UploadGrant:
    return new_grant(project_id=1, max_bytes=len(HALF) * 2, expires_at_s=int(time.time()) + 600)


def begun_upload(port: int, grant: UploadGrant) -> socket.socket:
    """A connection on which half of an upload is sent."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
    target = f"/upload/{sign(grant, SECRET.encode())}"
    head = f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * len(HALF)}\r\n\r\n"
    connection.sendall(head.encode() + HALF)
    return connection


def until_it_is_received(folder: Path) -> None:
    """Wait until the first half is in a draft."""
    until(lambda: any(path.is_file() for path in (folder / "objects").rglob("*")), DEADLINE_S)


def until_it_refuses(port: int) -> None:
    """Wait until nobody listens any more."""
    until(lambda: not answers(port), DEADLINE_S)


def test_an_upload_under_way_arrives(database_url: str, tmp_path: Path, grant: UploadGrant) -> None:
    port = free_port()
    with (
        api(database_url, tmp_path, port, drain_timeout_s=30) as process,
        begun_upload(port, grant) as upload,
    ):
        until_it_is_received(tmp_path)
        process.process.send_signal(signal.SIGTERM)
        until_it_refuses(port)
        upload.sendall(HALF)
        assert upload.makefile("rb").readline().startswith(b"HTTP/1.1 201")
        assert process.ended(DEADLINE_S) == 0, process.log.read_text()
    assert (tmp_path / "objects" / grant.key).read_bytes() == HALF * 2


def test_an_upload_that_does_not_end_can_be_sent_again(
    database_url: str, tmp_path: Path, grant: UploadGrant
) -> None:
    port = free_port()
    with (
        api(database_url, tmp_path, port, drain_timeout_s=1) as process,
        begun_upload(port, grant),
    ):
        until_it_is_received(tmp_path)
        process.process.send_signal(signal.SIGTERM)
        assert process.ended(DEADLINE_S) == 0, process.log.read_text()
    assert not [path for path in (tmp_path / "objects").rglob("*") if path.is_file()]
    with api(database_url, tmp_path, port, drain_timeout_s=1):
        url = f"http://127.0.0.1:{port}/upload/{sign(grant, SECRET.encode())}"
        assert httpx.put(url, content=HALF * 2, trust_env=False).status_code == 201

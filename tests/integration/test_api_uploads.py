"""Uploads and their abuse."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.uploads.tokens import UploadGrant, sign
from tests.services.api import (
    DEADLINE_S,
    MAX_UPLOAD_BYTES,
    SECRET,
    RunningApi,
    assert_problem,
    raw_connection,
)
from tests.services.waiting import until


def test_an_upload_is_used_once(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    assert api.http.put(ticket["upload_url"], content=b"first").status_code == 201
    assert_problem(api.http.put(ticket["upload_url"], content=b"second"), 409, "upload_used")
    assert (api.objects / ticket["input_key"]).read_bytes() == b"first"


def test_of_concurrent_uploads_one_wins(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    with ThreadPoolExecutor(8) as threads:
        bodies = [bytes([n]) * 200_000 for n in range(8)]
        answers = list(threads.map(lambda body: api.http.put(ticket["upload_url"], content=body), bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert (api.objects / ticket["input_key"]).read_bytes() in bodies


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_an_upload_too_large_is_refused(api: RunningApi, announced: bool) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    body = b"x" * (MAX_UPLOAD_BYTES + 1)
    response = api.http.put(ticket["upload_url"], content=body if announced else iter([body]))
    assert f"at most {MAX_UPLOAD_BYTES} bytes" in assert_problem(response, 413, "upload_too_large")
    assert_no_upload(api)
    assert api.http.put(ticket["upload_url"], content=body[:MAX_UPLOAD_BYTES]).status_code == 201


def test_an_expired_upload_is_refused(api: RunningApi) -> None:
    token = sign(UploadGrant("uploads/0.zip", 100, int(time.time()) - 1), SECRET)
    assert_problem(api.http.put(f"/upload/{token}", content=b"x"), 403, "upload_expired")


def test_a_tampered_upload_is_refused(api: RunningApi) -> None:
    forged = sign(UploadGrant("jobs/1/summary.json", 100, 2**40), b"y" * 32)
    assert_problem(api.http.put(f"/upload/{forged}", content=b"x"), 403, "invalid_upload_token")
    assert not (api.objects / "jobs").exists()


def test_half_an_upload_is_no_input(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    _put_half(ticket["upload_url"])
    assert_no_upload(api)
    body = {"job_parameters": {"input": ticket["input_key"]}}
    assert_problem(api.http.post("/job", json=body), 400, "invalid_parameter")
    assert api.http.put(ticket["upload_url"], content=b"whole").status_code == 201


def test_an_upload_that_stalls_is_given_up(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()

    def stalls() -> Iterator[bytes]:
        yield b"begin"
        time.sleep(1.5)
        yield b"end"

    response = api.http.put(ticket["upload_url"], content=stalls())
    assert_problem(response, 400, "upload_incomplete")
    assert_no_upload(api)


def _put_half(url: str) -> None:
    """Announce ten bytes, send five, hang up."""
    path = httpx.URL(url).path
    with raw_connection(url) as raw:
        raw.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf.".encode())


def assert_no_upload(api: RunningApi) -> None:
    """Nothing is left of an upload, soon."""
    until(lambda: not any(path.is_file() for path in api.objects.rglob("*")), DEADLINE_S)

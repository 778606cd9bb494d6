"""Retries and foreign errors."""

import inspect
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import marey
import pytest
from marey.errors import CannotConnectError, ConnectionLostError, MareyError, Problem, api_error
from marey.requests import Request, problem_of
from marey.retry import RetryPolicy, may_repeat
from marey.transport import mapped_errors

BUSY = api_error(Problem(status=503, code="store", detail=""))
TURNED_AWAY = [
    api_error(Problem(status=status, code=code, detail="", retry_after_s=3))
    for status, code in ((429, "rate_limited"), (429, "quota_exceeded"), (503, "not_ready"))
]
REFUSED = api_error(Problem(status=404, code="not_found", detail=""))


def test_pauses_double_up_to_a_bound() -> None:
    policy = RetryPolicy(attempts=6, first_pause_s=0.5, longest_pause_s=3)
    assert policy.pauses_s() == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("method", "error", "repeat"),
    [
        ("GET", CannotConnectError(), True),
        ("POST", CannotConnectError(), True),
        ("GET", ConnectionLostError(), True),
        ("POST", ConnectionLostError(), False),
        ("PUT", ConnectionLostError(), False),
        ("GET", BUSY, True),
        ("POST", BUSY, False),
        ("GET", REFUSED, False),
    ],
)
def test_only_what_is_safe_is_repeated(method: str, error: MareyError, repeat: bool) -> None:
    assert may_repeat(Request(method, "/"), error) is repeat


def test_what_does_no_harm_twice_is_repeated() -> None:
    upload = Request("PUT", "/", repeatable=True)
    assert may_repeat(upload, ConnectionLostError())
    assert may_repeat(upload, BUSY)
    assert not may_repeat(upload, REFUSED)


@pytest.mark.parametrize("error", TURNED_AWAY, ids=lambda error: error.code)
def test_what_was_turned_away_is_repeated_when_the_server_says(error: MareyError) -> None:
    policy = RetryPolicy(patience_s=10)
    assert may_repeat(Request("POST", "/job"), error)
    assert policy.pause_s(0.2, error, jitter=0) == 3
    assert policy.pause_s(4, error, jitter=0.5) == 4.5
    assert policy.pause_s(0.2, BUSY, jitter=0) == 0.2
    assert RetryPolicy(patience_s=2).pause_s(0.2, error, jitter=0) is None


def test_a_body_that_is_not_ours_still_has_a_code() -> None:
    problem = problem_of(502, b"<html>Bad Gateway</html>")
    assert (problem.status, problem.code) == (502, "http_502")


@contextmanager
def breaking_server() -> Iterator[str]:
    """The address of a server that breaks its first answer off and gives the second whole."""
    job = (
        b'{"id": 3, "user_id": 1, "project_id": 1, "status": "queued", "pipeline": "p", "tier": "standard",'
        b' "pipeline_parameter_set_id": 1, "job_parameters": {}, "created_at": "2026-01-01T00:00:00Z"}'
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(job)

    def serve() -> None:
        for answer in (head + job[:20], head + job):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:
        listener.settimeout(10)
        served = thread.submit(serve)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        served.result(timeout=10)


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    with breaking_server() as url, marey.Client(url, "key") as client:
        assert client.get_job(3).status == "queued"


async def test_an_answer_that_breaks_off_is_asked_for_again_with_a_loop() -> None:
    with breaking_server() as url:
        async with marey.AsyncClient(url, "key") as client:
            assert (await client.get_job(3)).status == "queued"


async def test_both_transports_map_a_dead_endpoint() -> None:
    impatient = marey.RetryPolicy(attempts=1)
    async with marey.AsyncClient("http://127.0.0.1:9", "key", retry=impatient) as client:
        with pytest.raises(CannotConnectError, match=r"127\.0\.0\.1:9"):
            await client.upload(__file__)


def test_a_dead_endpoint_is_tried_several_times() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        started_s = time.monotonic()
        policy = RetryPolicy(attempts=3, first_pause_s=0.05)
        with (
            marey.Client(url, "key", retry=policy) as client,
            pytest.raises(CannotConnectError, match="`marey up`"),
        ):
            client.get_job(1)
        assert time.monotonic() - started_s >= 0.15


def httpx_errors() -> list[type[Exception]]:
    """Every exception that httpx publishes, but the one of reading cookies, which the client does not do."""
    published = (getattr(httpx, name) for name in httpx.__all__)
    errors = {item for item in published if inspect.isclass(item) and issubclass(item, Exception)}
    return sorted(errors - {httpx.CookieConflict}, key=lambda error: error.__name__)


@pytest.mark.parametrize("foreign", httpx_errors(), ids=lambda error: error.__name__)
def test_every_httpx_error_is_mapped(foreign: type[Exception]) -> None:
    error = foreign.__new__(foreign)
    Exception.__init__(error, "boom")
    with pytest.raises(MareyError), mapped_errors("http://127.0.0.1:1"):
        raise error


def test_only_the_transport_imports_httpx() -> None:
    package = Path(marey.__file__).parent
    importers = {path.name for path in package.rglob("*.py") if "import httpx" in path.read_text()}
    assert importers == {"transport.py"}


def test_the_client_imports_nothing_of_the_server() -> None:
    package = Path(marey.__file__).parent
    server = re.compile(r"^\s*(?:from|import) (?:api|core|deploy|ingest|orchestrator|biomechanics)\b", re.M)
    assert not [path.name for path in package.rglob("*.py") if server.search(path.read_text())]

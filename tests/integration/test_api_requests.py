"""Requests for jobs: right, wrong and absurd."""

import re

import pytest

from api.service import listening_socket
from core.errors import PortTakenError
from tests.services.api import RunningApi, assert_problem, upload

WRONG_JOBS: tuple[tuple[dict[str, object], str, str], ...] = (
    ({"input": 3}, "invalid_request", "input"),
    ({"tier": "high_priority"}, "invalid_request", "got 'tier'"),
    ({"parameters": []}, "invalid_request", "object"),
    ({"parameters": {"overlay": "no"}}, "invalid_parameter", "one of full, half, off, got 'no'"),
    ({"parameters": {"fps": 3}}, "invalid_parameter", "overlay"),
    ({"pipeline": "pose_9d"}, "invalid_parameter", "pose_2d"),
    ({"input": "../../etc/passwd"}, "invalid_parameter", "finished upload"),
    ({"input": "uploads/1/" + "0" * 32 + ".zip"}, "invalid_parameter", "finished upload"),
)


def test_a_wrong_job_is_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    good = {"input": upload(api)}
    for wrong, code, sentence in WRONG_JOBS:
        with subtests.test(wrong=wrong):
            response = api.http.post("/job", json=good | wrong)
            assert sentence in assert_problem(response, 400, code)
    assert list(api.client.list_jobs()) == []


def test_a_job_needs_an_input(api: RunningApi) -> None:
    assert "input: expected text, got nothing" in assert_problem(
        api.http.post("/job", json={}), 400, "invalid_request"
    )


def test_rubbish_is_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    deep = b'{"input": "", "parameters": {"overlay": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    for body in (b"", b"{", b"[1]", b"\xff", b'{"input": "\\ud800"}', b"[" * 10_000, deep):
        with subtests.test(str(body[:20])):
            response = api.http.post("/job", content=body, headers={"content-type": "application/json"})
            assert_problem(response, 400, "invalid_request")


def test_a_body_too_large_is_refused(api: RunningApi) -> None:
    assert_problem(api.http.post("/job", json={"input": "x" * 2_000_000}), 413, "request_too_large")


def test_wrong_addresses(api: RunningApi, subtests: pytest.Subtests) -> None:
    for method, path, status, code in (
        ("GET", "/job/1", 404, "not_found"),
        ("GET", "/job/9007199254740991/video", 404, "not_found"),
        ("GET", "/job/9007199254740992", 400, "invalid_request"),
        ("GET", "/job/1/results", 404, "not_found"),
        ("GET", "/user/1/nothing", 404, "not_found"),
        ("GET", "/job/one", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/job?limit=0", 400, "invalid_parameter"),
        ("DELETE", "/job", 405, "method_not_allowed"),
    ):
        with subtests.test(path):
            assert_problem(api.http.request(method, path), status, code)


def test_request_ids(api: RunningApi) -> None:
    given = api.http.get("/job", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    made = api.http.get("/job", headers={"X-Request-ID": "not one"})
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])


def test_health(api: RunningApi) -> None:
    assert api.http.get("/health/live").json() == {"status": "live"}
    checks = {"postgres": "ok", "grpc": "ok"}
    assert api.http.get("/health/ready").json() == {"status": "ready", "checks": checks}


def test_the_api_describes_itself(api: RunningApi) -> None:
    paths = api.http.get("/docs/openapi.json").json()["paths"]
    assert {"/job", "/job/upload_handler", "/job/{job_id}", "/health/ready"} <= set(paths)


def test_a_port_that_is_taken_is_named() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            listening_socket("127.0.0.1", port)

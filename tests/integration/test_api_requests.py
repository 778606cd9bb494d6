"""Requests for jobs: right, wrong and absurd."""

import re

import pytest

from api.service import listening_socket
from core.errors import PortTakenError
from tests.services.api import RunningApi, assert_problem, upload
from tests.services.tenants import new_account

WRONG_JOBS: tuple[tuple[dict[str, object], str, str], ...] = (
    ({"job_parameters": {"input": 3}}, "invalid_parameter", "job_parameters.input: expected the input_key"),
    ({"job_parameters": {}}, "invalid_parameter", "job_parameters.input: expected the input_key"),
    ({"tier": "high_priority"}, "invalid_request", "got 'tier'"),
    ({"job_parameters": []}, "invalid_request", "job_parameters: expected an object, got []"),
    (
        {"job_parameters": {"input": "x", "overlay": "no"}},
        "invalid_parameter",
        "one of full, half, off, got 'no'",
    ),
    ({"job_parameters": {"input": "x", "fps": 3}}, "invalid_parameter", ", input, got 'fps'"),
    ({"pipeline": "pose_9d"}, "invalid_parameter", "pipeline: expected one of pose_2d, got 'pose_9d'"),
    ({"job_parameters": {"input": "../../etc/passwd"}}, "invalid_parameter", "finished upload"),
    ({"job_parameters": {"input": "uploads/1/" + "0" * 32 + ".zip"}}, "invalid_parameter", "finished upload"),
)


def test_a_wrong_job_is_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    good = {"job_parameters": {"input": upload(api)}}
    for wrong, code, sentence in WRONG_JOBS:
        with subtests.test(wrong=wrong):
            response = api.http.post("/job", json=good | wrong)
            assert sentence in assert_problem(response, 400, code)
    assert list(api.client.list_jobs()) == []


def test_a_job_needs_an_input(api: RunningApi) -> None:
    assert "job_parameters: expected an object, got nothing" in assert_problem(
        api.http.post("/job", json={}), 400, "invalid_request"
    )


def test_rubbish_is_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    deep = b'{"job_parameters": {"overlay": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    for body in (b"", b"{", b"[1]", b"\xff", b'{"pipeline": "\\ud800"}', b"[" * 10_000, deep):
        with subtests.test(str(body[:20])):
            response = api.http.post("/job", content=body, headers={"content-type": "application/json"})
            assert_problem(response, 400, "invalid_request")


def test_a_body_too_large_is_refused(api: RunningApi) -> None:
    assert_problem(
        api.http.post("/job", json={"job_parameters": {"input": "x" * 2_000_000}}), 413, "request_too_large"
    )


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


def test_the_page_of_the_api_loads_nothing(api: RunningApi) -> None:
    response = api.http.get("/docs")
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|src=|https?://", response.text)
    for address in re.findall(r'href="([^"#]+)"', response.text):
        assert api.http.get(address).status_code == 200
    targets = set(re.findall(r'id="([^"]+)"', response.text))
    assert set(re.findall(r'href="#([^"]+)"', response.text)) <= targets


def test_the_page_tells_every_route(api: RunningApi) -> None:
    text = api.http.get("/docs").text
    for path, operations in api.http.get("/docs/openapi.json").json()["paths"].items():
        assert f"<code>{path}</code>" in text
        assert all(operation["operationId"] in text for operation in operations.values())


def test_the_description_tells_what_is_for_administrators_only(
    api: RunningApi, subtests: pytest.Subtests
) -> None:
    paths = api.http.get("/docs/openapi.json").json()["paths"]
    with new_account(api) as member:
        for path, operations in paths.items():
            for method, told in operations.items():
                answer = member.http.request(method, re.sub(r"{\w+}", "999", path))
                is_refused = answer.status_code == 403 and answer.json()["code"] == "forbidden"
                said = f"{told.get('summary')} {told.get('description')}"
                with subtests.test(f"{method} {path}"):
                    assert ("administrators only" in said) == is_refused


def test_the_api_describes_itself(api: RunningApi) -> None:
    paths = api.http.get("/docs/openapi.json").json()["paths"]
    assert {"/job", "/job/upload_handler", "/job/{job_id}", "/health/ready"} <= set(paths)


def test_a_port_that_is_taken_is_named() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            listening_socket("127.0.0.1", port)

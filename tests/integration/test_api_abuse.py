"""A real API process under abuse: a 4xx each, one log line each, and no memory that stays."""

import itertools
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from api.uploads.tokens import UploadGrant, sign
from tests.services.api import SECRET, assert_problem, raw_connection
from tests.services.victim import Victim

JSON_TYPE = {"content-type": "application/json"}
BODY_BYTES = 10_000_001
ROUTES = ("/user", "/user_group", "/project", "/pipeline", "/pipeline_parameter_set", "/api_key", "/job")
DEEP = 10_000
VALUE = '{"pipeline_id": 1, "pipeline_parameter_set_id": 1, "pipeline_parameters_name": "overlay",'
RUBBISH = {
    "nothing": b"",
    "half": b'{"user_name": ',
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "unclosed": b"[" * DEEP,
    "deep value": f'{VALUE} "pipeline_parameters_value": {"[" * DEEP}{"]" * DEEP}}}'.encode(),
    "twins": b'{"project_name": "a", "project_name": "b", "pipeline_parameter_set_name": "a"}',
    "NaN": b'{"project_name": NaN}',
    "infinity": b'{"project_name": 1e999}',
    "long number": b'{"project_id": ' + b"9" * 100_000 + b"}",
    "lone surrogate": b'{"project_name": "\\ud800"}',
    "not UTF-8": b'{"project_name": "\xff\xfe"}',
    "null character": b'{"project_name": "a\\u0000b"}',
    "many names": b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
    "another type": b"[[[]]]",
    "10 MB and 1": b'{"project_name": "' + b"x" * (BODY_BYTES - 20) + b'"}',
}
INJECTIONS = (
    "'; DROP TABLE job; --",
    '" OR 1=1 --',
    "$1); DELETE FROM project; --",
    "%s %n {0} ${jndi:ldap://x}",
    'x\n{"level":"ERROR","message":"injected"}',
    "x\r\nSet-Cookie: a=b",
    "\u2028\u202e\x1b[31m",
)


def test_rubbish_is_refused(victim: Victim, subtests: pytest.Subtests) -> None:
    for (name, body), route in itertools.product(RUBBISH.items(), ROUTES[:-1]):
        with subtests.test(rubbish=name, route=route):
            for content in (body, iter([body])):
                response = victim.http.post(route, content=content, headers=JSON_TYPE)
                assert 400 <= response.status_code < 500, response.text
                assert response.headers["content-type"].startswith("application/problem+json")


def test_a_flood_of_large_bodies_leaves_nothing(victim: Victim) -> None:
    body = RUBBISH["10 MB and 1"]
    with ThreadPoolExecutor(16) as threads:
        answers = list(
            threads.map(lambda _: victim.http.post("/project", content=iter([body])).status_code, range(64))
        )
    assert set(answers) == {413}


def test_injections_are_text(victim: Victim, subtests: pytest.Subtests) -> None:
    """Kept as they are or refused, in every string; what they name is still there."""
    email = (f"{number}@example.org" for number in itertools.count())
    for text in INJECTIONS:
        bodies: dict[str, dict[str, object]] = {
            "/user": {"user_name": text, "user_email": next(email), "group_id": 1},
            "/user ": {"user_name": "a", "user_email": text, "group_id": 1},
            "/user_group": {
                "project_id": 1, "pipeline_parameter_set_id": 1, "user_group_name": text,
                "user_group_description": text,
            },
            "/project": {"project_name": text},
            "/project ": {"project_name": "a", "project_cluster_url": text},
            "/pipeline": {
                "pipeline_name": text, "pipeline_description": text, "pipeline_endpoint": "pose_2d",
            },
            "/pipeline ": {"pipeline_name": "a", "pipeline_endpoint": text},
            "/pipeline_parameter_set": {"pipeline_parameter_set_name": text},
            "/pipeline_parameters": {
                "pipeline_id": 1, "pipeline_parameter_set_id": 1, "pipeline_parameters_name": text,
                "pipeline_parameters_value": text,
            },
            "/api_key": {"user_id": 1, "api_key_name": text, "role": text},
        }  # fmt: skip
        for route, body in bodies.items():
            with subtests.test(text=text, route=route):
                response = victim.http.post(route.strip(), json=body)
                assert response.status_code == 201 or 400 <= response.status_code < 500, response.text
                if response.status_code == 201:
                    kept = victim.http.get(response.headers["location"]).json()
                    assert {name: kept[name] for name in body if name in kept} == body
        for name in ("sort", "cursor", "limit", text):
            assert_problem(victim.http.get("/project", params={name: text}), 400, "invalid_parameter")
    assert victim.http.get("/job").json()["items"] == []
    assert victim.http.get("/project/1").status_code == 200


@pytest.mark.parametrize("name", ["X-Request-ID", "If-Match", "Authorization", "Idempotency-Key"])
def test_headers_are_text_too(victim: Victim, name: str) -> None:
    for text in (*INJECTIONS[:4], "x" * 60_000, "\x1b[31m", "caf\xe9"):
        path = httpx.URL(victim.url)
        with raw_connection(victim.url) as raw:
            head = f"PUT /project/1 HTTP/1.1\r\nHost: {path.netloc.decode()}\r\n{name}: {text}\r\n"
            raw.sendall(head.encode("latin-1") + b"Content-Length: 2\r\n\r\n{}")
            status = raw.recv(4096).split(b" ")[1]
        assert 400 <= int(status) < 500


def test_uploads_that_may_not_be(victim: Victim, subtests: pytest.Subtests) -> None:
    expired = sign(UploadGrant("uploads/1/x.zip", 100, int(time.time()) - 1), SECRET)
    assert_problem(victim.http.put(f"/upload/{expired}", content=b"x"), 403, "upload_expired")
    token = victim.upload_path().removeprefix("/upload/")
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        tampered = token[:place] + other + token[place + 1 :]
        with subtests.test(place=place):
            response = victim.http.put(f"/upload/{tampered}", content=b"x")
            assert 400 <= response.status_code < 500
    for rubbish in ("x", "x.y", ".", "a" * 30_000, "%00", "..%2f..%2fetc%2fpasswd"):
        assert 400 <= victim.http.put(f"/upload/{rubbish}", content=b"x").status_code < 500
    assert [path for path in victim.objects.rglob("*") if path.is_file()] == []


def test_replayed_and_concurrent_uploads(victim: Victim) -> None:
    path = victim.upload_path()
    body = b"x" * (8 << 20)
    with ThreadPoolExecutor(16) as threads:
        first = list(threads.map(lambda _: victim.http.put(path, content=body).status_code, range(16)))
    assert sorted(first) == [201] + [409] * 15
    assert_problem(victim.http.put(path, content=body), 409, "upload_used")


def test_large_uploads_pass_through(victim: Victim) -> None:
    """200 MB at once take no memory."""
    piece = b"x" * (1 << 20)

    def put(_: int) -> int:
        return victim.http.put(victim.upload_path(), content=(piece for _ in range(50))).status_code

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(put, range(4))) == [201] * 4


def test_slow_uploads_keep_nobody_waiting(victim: Victim) -> None:
    held = []
    for _ in range(200):
        raw = raw_connection(victim.url)
        head = f"PUT {victim.upload_path()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        raw.sendall(head.encode() + b"slow")
        held.append(raw)
    try:
        started_s = time.monotonic()
        assert victim.http.get("/health/live").status_code == 200
        assert victim.http.put(victim.upload_path(), content=b"quick").status_code == 201
        assert time.monotonic() - started_s < 5
    finally:
        for raw in held:
            raw.close()

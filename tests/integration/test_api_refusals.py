"""Whatever is wrong with a request, the answer says where, what was expected and what came."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.jobs.parameters import JobInput
from tests.services.api import RunningApi

UNSAID = re.compile(r"`|\$\.|Invalid enum|unknown field|regex|Validation failed", re.IGNORECASE)
"""Words of the libraries below."""
JOB = {"job_parameters": {"input": "uploads/1/none.zip"}}
USER = {"user_name": "A", "user_email": "a@example.org", "group_id": 1}
PARAMETER = {
    "pipeline_id": 1,
    "pipeline_parameter_set_id": 1,
    "pipeline_parameters_name": "overlay",
    "pipeline_parameters_value": "half",
}
TIERS = "standard, priority, high_priority"
LEVERS = (
    "frame_batch_frames, batches_per_run, runs_in_flight, partitions, dedicated, max_attempts, lease_s, tier"
)
WRONG_BODIES: tuple[tuple[str, object, str], ...] = (
    ("/user", [], "body: expected an object, got []"),
    (
        "/user",
        USER | {"user_mail": "x"},
        "body: expected names among user_name, user_email, group_id, got 'user_mail';"
        " did you mean 'user_email'?",
    ),
    ("/user", USER | {"group_id": "1"}, "group_id: expected integer from 1 to 9007199254740991, got '1'"),
    ("/user", USER | {"group_id": 77}, "group_id: expected one that exists, got 77"),
    (
        "/user",
        USER | {"user_email": "nobody"},
        "user_email: expected an address name@host of up to 254 characters, got 'nobody'",
    ),
    ("/user", {}, "user_name: expected one line of 1 to 200 characters, got nothing"),
    (
        "/project",
        {"project_name": "p", "project_queue": {"tier": "gold"}},
        f"project_queue.tier: expected one of {TIERS}, got 'gold'",
    ),
    (
        "/project",
        {"project_name": "p", "project_queue": {"partition": 1}},
        f"project_queue: expected names among {LEVERS}, got 'partition'; did you mean 'partitions'?",
    ),
    (
        "/project",
        {"project_name": "p", "project_queue": {"lease_s": 0}},
        "project_queue.lease_s: expected number from 1 to 3600 or null, got 0",
    ),
    (
        "/pipeline",
        {"pipeline_name": "p", "pipeline_endpoint": "pose_4d"},
        "pipeline_endpoint: expected one of pose_2d, got 'pose_4d'",
    ),
    (
        "/pipeline_parameters",
        PARAMETER | {"pipeline_parameters_value": "huge"},
        "parameters.overlay: expected one of full, half, off, got 'huge'",
    ),
    ("/api_key", {"user_id": 1, "role": "root"}, "role: expected one of admin, member, got 'root'"),
    (
        "/job",
        {"job_parameters": {"input": "uploads/1/none.zip", "person_scores": 0.5}},
        f"job_parameters: expected names among {', '.join(JobInput.__struct_fields__)},"
        " got 'person_scores'; did you mean 'person_score'?",
    ),
    (
        "/job",
        {"job_parameters": {"input": "uploads/1/none.zip", "people_cap": 17}},
        "job_parameters.people_cap: expected integer from 1 to 16, got 17",
    ),
    ("/job", JOB | {"user_id": 0}, "user_id: expected integer from 1 to 9007199254740991 or null, got 0"),
    ("/job", JOB | {"pipeline": 3}, "pipeline: expected text, got 3"),
)
WRONG_QUERIES = (
    (
        "/job?tier=vip",
        "query: expected names among limit, cursor, sort, user_id, pipeline_id, pipeline_parameter_set_id,"
        " got 'tier'",
    ),
    (
        "/video?job=1",
        "query: expected names among limit, cursor, sort, job_id, got 'job'; did you mean 'job_id'?",
    ),
    (
        "/user?sort=name",
        "sort: expected one of id, -id, user_name, -user_name, user_email, -user_email, got 'name'",
    ),
    ("/user?limit=1000", "limit: expected a number from 1 to 100, got '1000'"),
    ("/user?group_id=one", "group_id: expected a number from 1 to 9007199254740991, got 'one'"),
    ("/user?limit=1&limit=2", "limit: expected one value, got 2"),
    ("/user?cursor=x", "cursor: expected the next_cursor of a page, got 'x'"),
    ("/job/0", "job_id: expected integer from 1 to 9007199254740991, got 0"),
    (f"/user/{10**30}", f"object_id: expected integer from 1 to 9007199254740991, got {10**30}"),
)


def detail_of(response: httpx.Response) -> str:
    problem = response.json()
    assert response.status_code in (400, 409), problem
    return str(problem["detail"])


def test_wrong_bodies(api: RunningApi, subtests: pytest.Subtests) -> None:
    for path, body, sentence in WRONG_BODIES:
        with subtests.test(path=path, body=body):
            assert detail_of(api.http.post(path, json=body)) == sentence


def test_wrong_queries_and_paths(api: RunningApi, subtests: pytest.Subtests) -> None:
    for path, sentence in WRONG_QUERIES:
        with subtests.test(path=path):
            assert detail_of(api.http.get(path)) == sentence


def test_what_exists_already_is_shown(api: RunningApi) -> None:
    response = api.http.post("/user", json=USER | {"user_email": "default@localhost"})
    assert (
        detail_of(response) == "expected a new user_email, got one that exists already: 'default@localhost'"
    )


def test_a_wrong_idempotency_key(api: RunningApi) -> None:
    response = api.http.post("/job", json=JOB, headers={"Idempotency-Key": "a b"})
    assert detail_of(response) == "idempotency_key: expected 1 to 200 visible ASCII characters, got 'a b'"


def wrong_values(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Path, field and body: each field of each body of the description, with a value that no field takes."""
    schemas = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for media in operations.get("post", {}).get("requestBody", {}).get("content", {}).values():
            schema = schemas[media["schema"]["$ref"].rpartition("/")[2]]
            for name, field in schema["properties"].items():
                if field:
                    yield path, name, {name: [["wrong"]]}
            yield path, "unheard_of", {"unheard_of": 1}


def test_every_field_of_every_body(api: RunningApi, subtests: pytest.Subtests) -> None:
    wrong = list(wrong_values(api.http.get("/docs/openapi.json").json()))
    assert {"project_queue", "user_email", "pipeline", "role"} <= {name for _, name, _ in wrong}
    for path, name, body in wrong:
        with subtests.test(path=path, name=name):
            detail = detail_of(api.http.post(path, json=body))
            named = (
                rf"body: expected names .+, got '{name}'"
                if name == "unheard_of"
                else f"{name}: expected .+, got .+"
            )
            assert re.fullmatch(named, detail), detail
            assert not UNSAID.search(detail)

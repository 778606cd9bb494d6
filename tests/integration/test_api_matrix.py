"""Every route x every role x one's own, another's and nobody's objects, from the API's description."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import msgspec
import pytest

from tests.services.api import RunningApi, execute, finish_job, http_client, upload
from tests.services.tenants import new_account

PUBLIC = ("/health/", "/upload/", "/download/")
FOLLOWS_A_JOB = ("job", "video", "frame_batch")
"""Tables that nobody sees but the project itself, administrators included."""
NOBODYS = 987_654_321
BLOCKS_A_CHANGE = {"If-Match": '"not this one"'}


@dataclass(frozen=True, slots=True)
class Operation:
    """A route, with its ids to fill in."""

    method: str
    path: str

    @property
    def table(self) -> str:
        return self.path.split("/")[1]

    @property
    def is_public(self) -> bool:
        return self.path.startswith(PUBLIC)

    @property
    def is_administrators(self) -> bool:
        """The rule, told once more: members change nothing but jobs, and the metrics are of all projects."""
        return self.path == "/metrics" or (self.method != "GET" and self.table != "job")

    @property
    def has_id(self) -> bool:
        return "{" in self.path

    def of(self, number: int) -> str:
        return self.path.replace("{object_id}", str(number)).replace("{job_id}", str(number))


def operations(api: RunningApi) -> list[Operation]:
    paths = api.http.get("/docs/openapi.json").json()["paths"]
    return [Operation(method.upper(), path) for path, item in paths.items() for method in item]


def answer(http: httpx.Client, operation: Operation, number: int) -> tuple[int, dict[str, object]]:
    """Status and problem. Answers that go on are not waited for."""
    with http.stream(operation.method, operation.of(number), json={}, headers=BLOCKS_A_CHANGE) as response:
        problem = msgspec.json.decode(response.read()) if response.status_code >= 400 else {}
    return response.status_code, problem


@pytest.fixture
def mine(api: RunningApi) -> Iterator[dict[str, int]]:
    """One object of each kind, of the project of the API's first administrator."""
    with new_account(api) as account:
        job = api.client.create_job(upload(api))
        video_id = finish_job(api, job.id)
        batch_id = execute(
            api,
            "INSERT INTO frame_batch (video_id, run_id, start_frame, stop_frame)"
            " SELECT $1, min(id), 0, 32 FROM task RETURNING id",
            video_id,
        )
        assert batch_id is not None
        yield {**account.ids, "pipeline": 1, "job": job.id, "video": video_id, "frame_batch": batch_id}


def test_the_description_has_every_kind_of_route(api: RunningApi) -> None:
    found = operations(api)
    assert len(found) > 50
    assert sum(operation.is_public for operation in found) >= 4
    assert {operation.table for operation in found} > {*FOLLOWS_A_JOB, "user", "api_key", "project"}


def test_without_a_key_only_public_routes_open(
    api: RunningApi, mine: dict[str, int], subtests: pytest.Subtests
) -> None:
    with http_client(api.url, None) as anyone:
        for operation in operations(api):
            with subtests.test(operation=operation):
                status, _ = answer(anyone, operation, mine.get(operation.table, 1))
                assert (status == 401) is not operation.is_public


@pytest.mark.parametrize("role", ["member", "admin"])
def test_the_objects_of_others_are_like_nobodys(
    api: RunningApi, mine: dict[str, int], role: str, subtests: pytest.Subtests
) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(new_account(api, role)).http
        for operation in operations(api):
            if operation.is_public or not operation.has_id or operation.table == "pipeline":
                continue
            with subtests.test(operation=operation, role=role):
                number = mine[operation.table]
                status, problem = answer(other, operation, number)
                nobodys = answer(other, operation, NOBODYS)
                if operation.is_administrators and role == "member":
                    assert (status, nobodys[0]) == (403, 403)
                elif role == "member" or operation.table in FOLLOWS_A_JOB:
                    assert (status, _without_ids(problem, number)) == (404, _without_ids(nobodys[1], NOBODYS))
                    assert nobodys[0] == 404
                else:
                    assert status not in (401, 403, 404)
                    assert status < 500


def test_everybody_reaches_what_is_his(
    api: RunningApi, mine: dict[str, int], subtests: pytest.Subtests
) -> None:
    for operation in operations(api):
        if operation.is_public:
            continue
        with subtests.test(operation=operation):
            status, problem = answer(api.http, operation, mine.get(operation.table, 1))
            assert status not in (401, 403, 404), problem
            assert status < 500


def _without_ids(problem: dict[str, object], number: int) -> dict[str, object]:
    detail = str(problem["detail"]).replace(str(number), "ID")
    return {**problem, "detail": detail, "request_id": ""}

"""Tenants do not see each other: not through the API, and not through a statement that forgets to ask."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from orchestrator.store import API_ROLE, JobRequest, Store, Tenant
from orchestrator.store.database import Session
from orchestrator.store.queries import load_queries
from orchestrator.store.tenants import TenantDatabase
from tests.services.api import RunningApi, assert_problem, execute, finish_job, upload
from tests.services.tenants import Account, new_account

LIST = (1, False, 10, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class _Number:
    id: int


@pytest.fixture
def other(api: RunningApi) -> Iterator[Account]:
    """Somebody of another project."""
    with new_account(api) as account:
        yield account


def test_the_jobs_of_others_are_not_there(api: RunningApi, other: Account) -> None:
    job = api.client.create_job(upload(api))
    finish_job(api, job.id)
    unknown = 999
    for method, path in (
        ("GET", "/job/{}"),
        ("GET", "/job/{}/video"),
        ("GET", "/job/{}/results"),
        ("POST", "/job/{}/cancel"),
        ("POST", "/job/{}/redrive"),
    ):
        theirs = other.http.request(method, path.format(job.id))
        nobodys = other.http.request(method, path.format(unknown))
        said = assert_problem(theirs, 404, "not_found")
        assert said.replace(str(job.id), "X") == assert_problem(nobodys, 404, "not_found").replace("999", "X")
    assert other.http.get("/job").json()["items"] == []
    assert api.client.get_job(job.id).status == "completed"


def test_the_packages_of_others_cannot_be_used(api: RunningApi, other: Account) -> None:
    body = {"job_parameters": {"input": upload(api)}}
    assert_problem(other.http.post("/job", json=body), 400, "invalid_parameter")


def test_a_job_takes_what_its_group_says(api: RunningApi, other: Account) -> None:
    ticket = other.http.get("/job/upload_handler").json()
    assert other.http.put(ticket["upload_url"], content=b"zip").status_code == 201
    job = other.http.post("/job", json={"job_parameters": {"input": ticket["input_key"]}}).json()
    assert job["job_parameters"]["overlay"] == "off"
    assert job["job_parameters"]["input"] == ticket["input_key"]
    assert job["pipeline_parameter_set_id"] == other.ids["pipeline_parameter_set"]
    assert list(api.client.list_jobs()) == []
    assert execute(api, "SELECT user_id FROM job WHERE id = $1", job["id"]) == other.ids["user"]


def new_job(http: httpx.Client, **named: object) -> httpx.Response:
    """A job on a package that its sender uploads."""
    ticket = http.get("/job/upload_handler").json()
    assert http.put(ticket["upload_url"], content=b"zip").status_code == 201
    return http.post("/job", json={"job_parameters": {"input": ticket["input_key"]}, **named})


def test_an_administrator_starts_a_job_for_somebody(api: RunningApi, other: Account) -> None:
    ids = other.ids
    named = {"user_id": ids["user"], "project_id": ids["project"], "pipeline_parameter_set_id": 1}
    made = new_job(api.http, **named)
    assert made.status_code == 201
    assert {name: made.json()[name] for name in named} == named
    assert made.json()["job_parameters"]["overlay"] == "full"
    assert other.http.get(f"/job/{made.json()['id']}").json() == made.json()
    assert_problem(api.http.get(f"/job/{made.json()['id']}"), 404, "not_found")
    own = new_job(api.http, user_id=ids["user"]).json()
    assert own["pipeline_parameter_set_id"] == ids["pipeline_parameter_set"]
    assert own["job_parameters"]["overlay"] == "off"


def test_an_administrator_names_a_user_and_his_own_project(api: RunningApi, other: Account) -> None:
    said = assert_problem(new_job(api.http, project_id=other.ids["project"]), 400, "invalid_parameter")
    assert said == f"project_id: expected 1, the project of user 1, got {other.ids['project']}"
    for name in ("user_id", "project_id", "pipeline_parameter_set_id"):
        assert_problem(new_job(api.http, **{name: 999}), 404, "not_found")


def test_a_member_names_himself_only(api: RunningApi, other: Account) -> None:
    ids = other.ids
    own = {"user_id": ids["user"], "project_id": ids["project"]}
    assert (
        new_job(other.http, **own, pipeline_parameter_set_id=ids["pipeline_parameter_set"]).status_code == 201
    )
    for name in ("user_id", "project_id", "pipeline_parameter_set_id"):
        theirs = assert_problem(new_job(other.http, **{name: 1}), 404, "not_found")
        nobodys = assert_problem(new_job(other.http, **{name: 999}), 404, "not_found")
        assert theirs.replace(" 1", " 999") == nobodys == f"there is no {name.removesuffix('_id')} 999"
    colleague = {"user_name": "B", "user_email": "b@example.org", "group_id": ids["user_group"]}
    colleague_id = api.http.post("/user", json=colleague).json()["id"]
    assert_problem(new_job(other.http, user_id=colleague_id), 403, "forbidden")
    assert len(other.http.get("/job").json()["items"]) == 1


def test_a_statement_without_where_still_sees_one_tenant_only(
    api: RunningApi, other: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The net below the statements: Postgres's own row-level security."""
    job = api.client.create_job(upload(api))
    finish_job(api, job.id)
    forgetful = {name: _without_tenant(sql) for name, sql in load_queries().items()}
    assert sum(forgetful[name] != sql for name, sql in load_queries().items()) > 40
    monkeypatch.setattr("orchestrator.store.database.load_queries", lambda: forgetful)
    for path in (f"/job/{job.id}", f"/job/{job.id}/results", "/video/1", "/user/1", "/project/1"):
        assert_problem(other.http.get(path), 404, "not_found")
        assert api.http.get(path).status_code == 200
    assert_problem(other.http.post(f"/job/{job.id}/cancel"), 404, "not_found")
    for table in ("job", "video", "frame_batch"):
        assert other.http.get(f"/{table}").json()["items"] == []
    for table in ("user", "user_group", "project", "pipeline_parameter_set", "pipeline_parameters"):
        ids = [item["id"] for item in other.http.get(f"/{table}").json()["items"]]
        assert ids == [other.ids[table]]
    execute(api, "ALTER TABLE job DISABLE ROW LEVEL SECURITY")
    assert other.http.get(f"/job/{job.id}").status_code == 200, "the statements are not as careless as meant"


async def test_without_a_tenant_nothing_is_seen(database_url: str) -> None:
    tenant = Tenant(project_id=1, user_id=1, is_admin=False)
    async with Store.open(database_url, role=API_ROLE) as store:
        job_id = await store.jobs.create(tenant, JobRequest(pipeline_name="pose_2d", input_key="k"))
        assert (await store.jobs.job(tenant, job_id)).id == job_id
        database = store.jobs._database
        assert await database.rows(_Number, "job.list.id.asc", *LIST) == []
        async with TenantDatabase(database, tenant).transaction() as session:
            assert len(await session.rows(_Number, "job.list.id.asc", *LIST)) == 1
        assert await Session(database.pool).rows(_Number, "job.list.id.asc", *LIST) == []


async def test_members_cannot_write_what_administrators_keep(database_url: str) -> None:
    """Should a route forget to ask for the role: Postgres does not."""
    member = Tenant(project_id=1, user_id=1, is_admin=False)
    async with Store.open(database_url, role=API_ROLE) as store:
        database = TenantDatabase(store.jobs._database, member)
        assert await database.execute("project.delete", 1, True, 1) == 0
        assert await database.execute("revoke_key", 1, True, 1) == 0


def _without_tenant(sql: str) -> str:
    """The statement as a careless author would have written it."""
    return re.sub(r"\b(?:(?:[a-z]\.)?project_id|[tp]\.id) = \$1(?:::bigint)?(?!\d)", "$1::bigint > 0", sql)

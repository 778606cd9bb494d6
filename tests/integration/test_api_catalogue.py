"""The objects of the catalogue: lists, changes, and what is refused."""

import pytest

from tests.services.api import RunningApi, assert_problem, execute, finish_job, upload
from tests.services.tenants import new_account

ALL = (
    "user",
    "user_group",
    "project",
    "pipeline",
    "pipeline_parameter_set",
    "pipeline_parameters",
    "job",
    "video",
    "frame_batch",
    "api_key",
)
OWNED = ("user", "user_group", "project", "pipeline_parameter_set", "pipeline_parameters", "api_key")


def make_projects(api: RunningApi, *names: str) -> list[int]:
    """Ids of new projects."""
    answers = [api.http.post("/project", json={"project_name": name}) for name in names]
    return [answer.json()["id"] for answer in answers]


def names_of(api: RunningApi, query: str) -> list[str]:
    """The projects of a list, walked through in pages of two."""
    names, cursor = [], ""
    while True:
        page = api.http.get(f"/project?limit=2{query}{cursor}").json()
        names += [item["project_name"] for item in page["items"]]
        if page["next_cursor"] is None:
            return names
        cursor = f"&cursor={page['next_cursor']}"


def test_lists_come_in_pages_in_every_order(api: RunningApi) -> None:
    make_projects(api, "b", "a", "d", "c'; DROP TABLE job --")
    made = ["default", "b", "a", "d", "c'; DROP TABLE job --"]
    assert names_of(api, "") == made
    assert names_of(api, "&sort=-id") == made[::-1]
    assert names_of(api, "&sort=project_name") == sorted(made)
    assert names_of(api, "&sort=-project_name") == sorted(made, reverse=True)


def test_a_page_stays_the_same_while_others_add_and_remove(api: RunningApi) -> None:
    _, second, _ = make_projects(api, "x1", "x2", "x3")
    page = api.http.get("/project?limit=2&sort=project_name").json()
    assert [item["project_name"] for item in page["items"]] == ["default", "x1"]
    make_projects(api, "a0")
    api.http.delete(f"/project/{second}")
    following = api.http.get(f"/project?limit=2&sort=project_name&cursor={page['next_cursor']}").json()
    assert [item["project_name"] for item in following["items"]] == ["x3"]


def test_lists_are_narrowed_by_parents(api: RunningApi) -> None:
    with new_account(api) as account:
        groups = api.http.get(f"/user_group?project_id={account.ids['project']}").json()["items"]
        assert [group["id"] for group in groups] == [account.ids["user_group"]]
        users = api.http.get(f"/user?group_id={account.ids['user_group']}").json()["items"]
        assert [user["id"] for user in users] == [account.ids["user"]]
    assert api.http.get("/user?group_id=77").json()["items"] == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("limit=0", "limit: expected a number from 1 to 100, got '0'"),
        ("limit=101", "got '101'"),
        ("limit=x", "got 'x'"),
        ("limit=1&limit=2", "limit: expected one value, got 2"),
        ("sort=project_queue", "sort: expected one of id, -id, project_name, -project_name, got"),
        ("sort=id;drop", "sort: expected one of"),
        ("cursor=zzz", "cursor: expected the next_cursor of a page"),
        ("cursor=", "cursor: expected"),
        ("group_id=1", "query: expected names among limit, cursor, sort, got 'group_id'"),
    ],
)
def test_a_wrong_question_is_refused(api: RunningApi, query: str, sentence: str) -> None:
    assert sentence in assert_problem(api.http.get(f"/project?{query}"), 400, "invalid_parameter")


def test_a_cursor_fits_its_own_order_only(api: RunningApi) -> None:
    make_projects(api, "a", "b")
    cursor = api.http.get("/project?limit=1&sort=project_name").json()["next_cursor"]
    response = api.http.get(f"/project?limit=1&cursor={cursor}")
    assert "sorted by id, got one sorted by" in assert_problem(response, 400, "invalid_parameter")


def test_nobody_overwrites_what_he_has_not_seen(api: RunningApi) -> None:
    (number,) = make_projects(api, "gym")
    path = f"/project/{number}"
    seen = api.http.get(path).headers["etag"]
    body = {"project_name": "gymnastics", "project_queue": {"tier": "priority", "partitions": 8}}
    assert_problem(api.http.put(path, json=body), 428, "precondition_required")
    changed = api.http.put(path, json=body, headers={"If-Match": seen})
    assert (changed.status_code, changed.json()["project_name"]) == (200, "gymnastics")
    assert changed.json()["project_queue"] == {"tier": "priority", "partitions": 8}
    assert_problem(api.http.put(path, json=body, headers={"If-Match": seen}), 412, "precondition_failed")
    assert_problem(api.http.delete(path, headers={"If-Match": seen}), 412, "precondition_failed")
    assert changed.headers["etag"] == api.http.get(path).headers["etag"]
    assert api.http.delete(path, headers={"If-Match": changed.headers["etag"]}).status_code == 204
    assert_problem(api.http.get(path), 404, "not_found")


def test_what_is_in_use_stays(api: RunningApi) -> None:
    with new_account(api) as account:
        for table, user in (("project", "user_group"), ("user_group", "user")):
            response = api.http.delete(f"/{table}/{account.ids[table]}")
            assert f"{user} objects refer to it" in assert_problem(response, 409, "conflict")
        for table in ("user", "user_group", "pipeline_parameters", "pipeline_parameter_set", "project"):
            assert api.http.delete(f"/{table}/{account.ids[table]}").status_code == 204
        assert_problem(account.http.get("/job"), 401, "unauthenticated")


def test_wrong_objects_are_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    user = {"user_name": "A", "user_email": "a@example.org", "group_id": 1}
    parameter = {
        "pipeline_id": 1,
        "pipeline_parameter_set_id": 1,
        "pipeline_parameters_name": "overlay",
        "pipeline_parameters_value": "half",
    }
    for table, body, status, code, sentence in (
        ("user", user | {"id": 7}, 400, "invalid_request", "got 'id'"),
        (
            "user",
            user | {"group_id": 77},
            400,
            "invalid_parameter",
            "group_id: expected one that exists, got 77",
        ),
        ("user", user | {"group_id": True}, 400, "invalid_request", "integer"),
        ("user", user | {"user_email": "nobody"}, 400, "invalid_request", "user_email"),
        ("user", user | {"user_name": "a\u0000b"}, 400, "invalid_request", "user_name"),
        ("user", user | {"user_name": "x" * 201}, 400, "invalid_request", "200"),
        ("user", user | {"user_email": "default@localhost"}, 409, "conflict", "new user_email"),
        ("project", {"project_name": "p", "project_queue": {"tier": "vip"}}, 400, "invalid_request", "vip"),
        ("project", {"project_name": "p", "project_queue": {"speed": 9}}, 400, "invalid_request", "speed"),
        (
            "project",
            {"project_name": "p", "project_queue": {"partitions": 0}},
            400,
            "invalid_request",
            "from 1 to 1000, got 0",
        ),
        (
            "pipeline",
            {"pipeline_name": "p", "pipeline_endpoint": "nope"},
            400,
            "invalid_request",
            "pipeline_endpoint: expected one of pose_2d, got 'nope'",
        ),
        (
            "pipeline_parameters",
            parameter | {"pipeline_parameters_value": "tiny"},
            400,
            "invalid_parameter",
            "one of full, half, off, got 'tiny'",
        ),
        (
            "pipeline_parameters",
            parameter | {"pipeline_parameters_name": "fps"},
            400,
            "invalid_parameter",
            "got 'fps'",
        ),
    ):
        with subtests.test(body=body):
            assert sentence in assert_problem(api.http.post(f"/{table}", json=body), status, code)
    assert len(api.http.get("/user").json()["items"]) == 1


def test_a_parameter_may_be_null(api: RunningApi) -> None:
    """Of a set: no smoothing, said so. The value is JSON's null, not one that is missing."""
    body = {
        "pipeline_id": 1,
        "pipeline_parameter_set_id": 1,
        "pipeline_parameters_name": "smoothing_cutoff_hz",
        "pipeline_parameters_value": None,
    }
    made = api.http.post("/pipeline_parameters", json=body)
    assert (made.status_code, made.json()["pipeline_parameters_value"]) == (201, None)
    path, seen = made.headers["location"], made.headers["etag"]
    six = api.http.put(path, json=body | {"pipeline_parameters_value": 6}, headers={"If-Match": seen})
    assert six.json()["pipeline_parameters_value"] == 6
    assert api.client.create_job(upload(api)).job_parameters["smoothing_cutoff_hz"] == 6
    none = api.http.put(path, json=body, headers={"If-Match": six.headers["etag"]})
    assert (none.status_code, none.json()["pipeline_parameters_value"]) == (200, None)
    assert api.client.create_job(upload(api)).job_parameters["smoothing_cutoff_hz"] is None


def test_members_read_their_own_project_only(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    finish_job(api, job.id)
    with new_account(api) as account:
        for table in ALL:
            ids = [item["id"] for item in account.http.get(f"/{table}").json()["items"]]
            owned = [account.ids[table]] if table in OWNED else []
            assert ids == ([1] if table == "pipeline" else owned), table
            for number in ids:
                assert account.http.get(f"/{table}/{number}").status_code == 200


def test_videos_and_batches_are_read(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    video_id = finish_job(api, job.id)
    statement = (
        "INSERT INTO frame_batch (video_id, run_id, start_frame, stop_frame)"
        " SELECT $1, min(id), 0, 32 FROM task RETURNING id"
    )
    batch_id = execute(api, statement, video_id)
    (video,) = api.http.get(f"/video?job_id={job.id}").json()["items"]
    assert (video["video_name"], video["progress"], video["status"]) == ("run.mp4", 100.0, "completed")
    (batch,) = api.http.get(f"/frame_batch?video_id={video_id}").json()["items"]
    assert batch == api.http.get(f"/frame_batch/{batch_id}").json()
    assert (batch["start"], batch["end"], batch["status"], batch["attempts"]) == (0, 32, "queued", 0)
    assert_problem(api.http.delete(f"/video/{video_id}"), 405, "method_not_allowed")


def test_a_project_runs_only_on_what_the_operator_allows(api: RunningApi) -> None:
    body = {"project_name": "lab", "project_cluster_url": "triton-1:8001"}
    made = api.http.post("/project", json=body)
    assert made.json()["project_cluster_url"] == "triton-1:8001"
    headers = {"If-Match": made.headers["etag"]}
    for url in ("169.254.169.254:80", "triton-1:8002", "grpc://triton-1:8001", "unix:/run/docker.sock"):
        other = {"project_name": "lab", "project_cluster_url": url}
        for answer in (
            api.http.post("/project", json=other),
            api.http.put(made.headers["location"], json=other, headers=headers),
        ):
            detail = assert_problem(answer, 403, "cluster_not_allowed")
            assert url in detail
            assert "MAREY_CLUSTER_URLS" in detail
    assert api.http.get(made.headers["location"]).json() == made.json()

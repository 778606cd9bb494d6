"""New work that cannot be taken now: 429 for the project's doing, 503 for ours, both with Retry-After."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import marey
import pytest
from marey.errors import QuotaExceededError

from api.settings import ApiSettings
from orchestrator.settings import Settings
from tests.services.api import (
    SECRET,
    RunningApi,
    assert_problem,
    execute,
    http_client,
    serving,
    upload,
)


def set_quotas(api: RunningApi, **quotas: object) -> None:
    """Quotas of the first project."""
    execute(api, "UPDATE project SET project_quotas = $1::text::jsonb WHERE id = 1", json.dumps(quotas))


def post_job(api: RunningApi, key: str) -> httpx.Response:
    """POST /job."""
    return api.http.post("/job", json={"job_parameters": {"input": key}})


def assert_retry_after(response: httpx.Response, at_most_s: int) -> None:
    assert 1 <= int(response.headers["retry-after"]) <= at_most_s


def test_open_jobs_are_bounded_also_when_they_come_at_once(api: RunningApi) -> None:
    keys = [upload(api) for _ in range(8)]
    set_quotas(api, open_jobs=3)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda key: post_job(api, key), keys))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
    refused = post_job(api, keys[0])
    assert "at most 3 open jobs" in assert_problem(refused, 429, "quota_exceeded")
    assert_retry_after(refused, 30)
    execute(api, "UPDATE job SET status = 'completed', finished_at = now() WHERE id = 1")
    assert post_job(api, keys[0]).status_code == 201


def test_queued_bytes_and_frames_are_bounded(api: RunningApi) -> None:
    key = upload(api, b"x" * 100)
    set_quotas(api, queued_bytes=150, queued_frames=10)
    assert post_job(api, key).status_code == 201
    assert "got 100 and 100 new" in assert_problem(post_job(api, key), 429, "quota_exceeded")
    set_quotas(api, queued_frames=10)
    video = (
        "INSERT INTO video (job_id, video_name, video_results_path, frames_total, frames_done)"
        " VALUES (1, 'v', 'r', 20, $1)"
    )
    execute(api, video, 11)
    assert post_job(api, key).status_code == 201
    execute(api, video, 5)
    assert "at most 10 frames queued" in assert_problem(post_job(api, key), 429, "quota_exceeded")


def test_starts_are_limited_in_rate(api: RunningApi) -> None:
    set_quotas(api, starts_per_s=0.01, starts_burst=3)
    answers = [api.http.get("/job/upload_handler") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert_problem(answers[3], 429, "rate_limited")
    assert 90 <= int(answers[3].headers["retry-after"]) <= 100
    assert_problem(api.http.post("/job/1/redrive"), 429, "rate_limited")
    assert api.http.get("/job").status_code == 200
    set_quotas(api, starts_per_s=1e9, starts_burst=3)
    assert api.http.get("/job/upload_handler").status_code == 200


def test_the_limits_of_a_project_are_its_own(api: RunningApi) -> None:
    execute(api, "INSERT INTO project (project_name, project_quotas) VALUES ('other', '{\"open_jobs\": 0}')")
    execute(
        api,
        "INSERT INTO rate_bucket (project_id, tokens) SELECT id, 0 FROM project WHERE project_name = 'other'",
    )
    assert post_job(api, upload(api)).status_code == 201


def test_the_client_waits_as_long_as_it_is_told(api: RunningApi) -> None:
    set_quotas(api, starts_per_s=1, starts_burst=1)
    keys = [upload_in_turn(api) for _ in range(2)]
    for _ in range(3):
        api.client.create_job(keys[0])
    assert len(list(api.client.list_jobs())) == 3
    set_quotas(api, open_jobs=3)
    impatient = marey.Client(api.url, api.api_key, retry=marey.RetryPolicy(patience_s=1))
    with impatient as client, pytest.raises(QuotaExceededError) as refused:
        client.create_job(keys[1])
    assert refused.value.problem.retry_after_s == 30


def upload_in_turn(api: RunningApi) -> str:
    """An upload by the client, which waits for its turn."""
    package = api.objects.parent / "package.zip"
    package.write_bytes(b"zip")
    return api.client.upload(package)


def test_nothing_is_taken_while_services_are_away(database_url: str, tmp_path: Path) -> None:
    with serving(settings(database_url, tmp_path)) as url, http_of(url, tmp_path) as http:
        for response in (
            http.get("/job/upload_handler"),
            http.post("/job", json={"job_parameters": {"input": "x"}}),
        ):
            assert_problem(response, 503, "not_ready")
            assert_retry_after(response, 5)
        response = http.get("/health/ready")
        assert "nats (timeout), triton (inference_unavailable)" in assert_problem(response, 503, "not_ready")
        assert response.json()["checks"]["postgres"] == "ok"
        assert_retry_after(response, 5)
        assert http.get("/job").json()["items"] == []


def test_nothing_is_taken_when_the_disk_is_almost_full(api: RunningApi, tmp_path: Path) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    full = settings(api.database_url, tmp_path, disk_reserve_bytes=2**60)
    with (
        serving(full, lambda store, *_: {"postgres": store.ping}) as url,
        http_of(url, tmp_path) as http,
    ):
        path = httpx.URL(ticket["upload_url"]).path
        for response in (http.get("/job/upload_handler"), http.put(path, content=b"zip")):
            assert_problem(response, 503, "storage_full")
            assert_retry_after(response, 60)
    assert api.http.put(path, content=b"zip").status_code == 201


def settings(database_url: str, folder: Path, disk_reserve_bytes: int = 0) -> ApiSettings:
    """An API without NATS and Triton."""
    return ApiSettings(
        services=Settings(
            database_url=database_url,
            nats_url="nats://127.0.0.1:9",
            triton_url="127.0.0.1:9",
            store_url=(folder / "objects").as_uri(),
        ),
        secret=SECRET,
        admin_key_file=folder / "api-key",
        disk_reserve_bytes=disk_reserve_bytes,
    )


def http_of(url: str, folder: Path) -> httpx.Client:
    """A client with the key of the first administrator."""
    return http_client(url, (folder / "api-key").read_text())

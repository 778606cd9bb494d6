"""Jobs: lists, repeated requests, events, and all results at once."""

import io
import threading
import zipfile
from typing import Any

import httpx
import msgspec

from tests.services.api import DEADLINE_S, RunningApi, assert_problem, execute, finish_job, upload


def test_jobs_are_listed_newest_first_in_pages(api: RunningApi) -> None:
    made = [api.client.create_job(upload(api)).id for _ in range(5)]
    first = api.http.get("/job?limit=2").json()
    second = api.http.get(f"/job?limit=3&cursor={first['next_cursor']}").json()
    assert [job["id"] for job in first["items"] + second["items"]] == made[::-1]
    assert api.http.get("/job?user_id=2").json()["items"] == []
    assert first["items"][0] == api.http.get(f"/job/{made[-1]}").json()


def test_a_repeated_request_makes_one_job(api: RunningApi) -> None:
    headers = {"Idempotency-Key": "a-1"}
    body = {"job_parameters": {"input": upload(api)}}
    first = api.http.post("/job", json=body, headers=headers)
    again = api.http.post("/job", json=body, headers=headers)
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    other = api.http.post("/job", json={"job_parameters": {"input": upload(api)}}, headers=headers)
    assert_problem(other, 422, "idempotency_key_reused")
    assert api.http.post("/job", json=body).json()["id"] != first.json()["id"]
    assert execute(api, "SELECT count(*) FROM job") == 2
    assert_problem(
        api.http.post("/job", json=body, headers={"Idempotency-Key": "a b"}), 400, "invalid_parameter"
    )


def test_events_tell_each_change_until_the_end(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    threading.Timer(1.0, finish_job, (api, job.id)).start()
    events = []
    with api.http.stream("GET", f"/job/{job.id}/events", timeout=DEADLINE_S) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data: "):
                events.append(msgspec.json.decode(line.removeprefix("data: "), type=dict[str, Any]))
    assert events[0]["job"]["status"] == "queued"
    assert events[0]["videos"] == []
    assert events[-1]["job"]["status"] == "completed"
    assert [video["status"] for video in events[-1]["videos"]] == ["completed"]
    assert_problem(api.http.get("/job/99/events"), 404, "not_found")


def test_all_results_come_as_one_zip(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    video_id = finish_job(api, job.id)
    url = api.http.get(f"/job/{job.id}/results").json()["archive_url"]
    response = httpx.get(url, trust_env=False, timeout=DEADLINE_S)
    assert response.headers["content-disposition"] == f'attachment; filename="job-{job.id}.zip"'
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f"run-{video_id}/keypoints.csv",
            f"run-{video_id}/overlay.mp4",
            "summary.json",
        ]
        assert archive.read(f"run-{video_id}/overlay.mp4") == bytes(range(256)) * 5000

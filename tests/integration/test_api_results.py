"""Results: listed, fetched, and nothing else."""

import time
from pathlib import Path

import httpx
import pytest

from api.results.tokens import DownloadGrant, sign
from tests.services.api import (
    DEADLINE_S,
    SECRET,
    RunningApi,
    assert_problem,
    finish_job,
    http_client,
    upload,
)


def test_results_are_listed_and_fetched(api: RunningApi, tmp_path: Path) -> None:
    job = api.client.create_job(upload(api))
    video_id = finish_job(api, job.id)
    snapshot = api.client.wait(job.id, timeout_s=DEADLINE_S)
    assert snapshot.job.succeeded
    assert [video.progress for video in snapshot.videos] == [1.0]
    listed = {file.path: file.size_bytes for file in api.client.results(job.id)}
    assert listed == {
        f"videos/{video_id}/keypoints.csv": 12,
        f"videos/{video_id}/overlay.mp4": 1_280_000,
        "summary.json": 2,
    }
    paths = api.client.download_results(job.id, tmp_path / "out")
    names = [path.relative_to(tmp_path / "out").as_posix() for path in paths]
    assert names == ["run/keypoints.csv", "run/overlay.mp4", "summary.json"]
    assert paths[1].read_bytes() == bytes(range(256)) * 5000


def test_results_are_attachments(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    video_id = finish_job(api, job.id)
    links = {file.path: file.url for file in api.client.results(job.id)}
    with http_client(api.url, None) as anyone:
        response = anyone.get(links[f"videos/{video_id}/overlay.mp4"])
    assert response.headers["content-disposition"] == 'attachment; filename="overlay.mp4"'
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-type"] == "video/mp4"


def test_only_listed_files_can_be_fetched(api: RunningApi, subtests: pytest.Subtests) -> None:
    job = api.client.create_job(upload(api))
    video_id = finish_job(api, job.id)
    for path in (
        f"videos/{video_id}/batch-0.npz",
        f"videos/{video_id}",
        f"videos/{video_id}/../../summary.json",
        "videos/999/keypoints.csv",
        "../../../etc/passwd",
        "/etc/passwd",
        "summary.json\0",
    ):
        with subtests.test(path):
            assert_problem(download(api, job_id=job.id, path=path), 404, "not_found")
    assert download(api, job_id=job.id, path="summary.json").text == "{}"


def test_links_are_for_one_project_and_an_hour(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    finish_job(api, job.id)
    assert_problem(download(api, project_id=2, job_id=job.id, path="summary.json"), 404, "not_found")
    assert_problem(download(api, job_id=job.id, path="summary.json", lifetime_s=0), 403, "link_expired")
    link = api.client.results(job.id)[-1].url
    assert_problem(api.http.get(link[:-1] + ("A" if link[-1] != "A" else "B")), 403, "invalid_link")


def download(
    api: RunningApi, *, job_id: int, path: str, project_id: int = 1, lifetime_s: int = 60
) -> httpx.Response:
    """What a link signed by the server would answer."""
    grant = DownloadGrant(project_id, job_id, path, int(time.time()) + lifetime_s)
    return api.http.get(f"/download/{sign(grant, SECRET)}")

"""Results: listed, fetched, and nothing else."""

from pathlib import Path

import pytest

from tests.services.api import DEADLINE_S, RunningApi, finish_job, raw_connection, upload


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
    response = api.http.get(f"/job/{job.id}/results/videos/{video_id}/overlay.mp4")
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
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/uploads",
        "%2fetc%2fpasswd",
        "summary.json%00",
    ):
        with subtests.test(path), raw_connection(api.url) as raw:
            head = f"GET /job/{job.id}/results/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            raw.sendall(head.encode())
            assert raw.makefile("rb").readline().startswith(b"HTTP/1.1 404 ")

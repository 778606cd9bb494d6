"""The API through its client and its command line."""

import json
import threading
import zipfile
from pathlib import Path

import marey
import pytest
from click.testing import CliRunner
from marey.cli import main as marey_cli
from marey.errors import ConflictError, InvalidParameterError, NotFoundError

from tests.services.api import RunningApi, execute, finish_job, upload


@pytest.fixture
def videos(tmp_path: Path) -> list[Path]:
    """Two files of the same name."""
    paths = [tmp_path / folder / "clip.mp4" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(path.parent.name.encode() * 1000)
    return paths


def command_line(api: RunningApi) -> CliRunner:
    """Runs commands with the key of the API's administrator."""
    return CliRunner(env={"MAREY_API_KEY": api.api_key})


def test_videos_become_a_job(api: RunningApi, videos: list[Path]) -> None:
    sent: list[tuple[int, int]] = []
    job = api.client.submit(
        videos, parameters={"overlay": "half"}, on_upload=lambda done, total: sent.append((done, total))
    )
    assert (job.status, job.pipeline, job.tier) == ("queued", "pose_2d", "standard")
    assert job.job_parameters["overlay"] == "half"
    assert job == api.client.get_job(job.id)
    assert list(api.client.list_jobs()) == [job]
    assert api.client.snapshot(job.id).videos == []
    (package,) = (api.objects / "uploads" / "1").iterdir()
    with zipfile.ZipFile(package) as archive:
        assert archive.namelist() == ["clip.mp4", "clip-2.mp4"]
        assert archive.read("clip-2.mp4") == b"b" * 1000
    assert sent[-1] == (package.stat().st_size,) * 2


def test_a_zip_is_sent_as_it_is(api: RunningApi, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(b"PK anything")
    api.client.submit([package])
    (stored,) = (api.objects / "uploads" / "1").iterdir()
    assert stored.read_bytes() == b"PK anything"


def test_a_folder_that_cannot_be_written_is_named(api: RunningApi, tmp_path: Path) -> None:
    job = api.client.create_job(upload(api))
    finish_job(api, job.id)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(marey.LocalFileError, match="out/run"):
        api.client.download_results(job.id, tmp_path / "out")


def test_a_package_too_large_is_not_even_sent(api: RunningApi, tmp_path: Path) -> None:
    package = tmp_path / "p.zip"
    package.write_bytes(b"x" * 400_000)
    with pytest.raises(marey.PackingError, match="at most 300000 bytes, the package has 400000"):
        api.client.submit([package])


def test_client_errors_have_classes(api: RunningApi) -> None:
    with pytest.raises(NotFoundError, match="no job 7") as missing:
        api.client.get_job(7)
    assert (missing.value.status, missing.value.code) == (404, "not_found")
    assert missing.value.request_id
    with pytest.raises(InvalidParameterError, match="finished upload"):
        api.client.create_job("nothing")
    with pytest.raises(InvalidParameterError, match="from 1 to 100"):
        list(api.client.list_jobs(page_size=1000))


def test_a_job_that_goes_on_times_out(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    with pytest.raises(marey.JobTimeoutError, match=f"job {job.id} .* queued"):
        api.client.wait(job.id, timeout_s=0.2)


def test_the_command_line(api: RunningApi, videos: list[Path], tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        result = command_line(api).invoke(marey_cli, [*arguments, "--endpoint-url", api.url])
        assert result.exit_code == 0, result.output
        return result.stdout

    job_id = run("submit", *map(str, videos), "--overlay", "off").strip()
    finish_job(api, int(job_id))
    assert f"job {job_id}: completed, 1/1 videos" in run("job", job_id)
    assert json.loads(run("job", job_id, "--json"))["job"]["job_parameters"]["overlay"] == "off"
    assert "completed" in run("jobs")
    fetched = run("results", job_id, "--out", str(tmp_path / "out")).split()
    assert [Path(path).name for path in fetched] == ["keypoints.csv", "overlay.mp4", "summary.json"]


def test_a_job_can_be_cancelled_but_not_redriven(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    with pytest.raises(ConflictError, match=f"job {job.id} is queued"):
        api.client.redrive(job.id)
    result = command_line(api).invoke(marey_cli, ["cancel", str(job.id), "--endpoint-url", api.url])
    assert result.output == f"job {job.id}: cancelled\n"
    snapshot = api.client.wait(job.id, timeout_s=5)
    assert (snapshot.job.status, snapshot.job.succeeded) == ("cancelled", False)
    result = command_line(api).invoke(marey_cli, ["redrive", str(job.id), "--endpoint-url", api.url])
    assert (result.exit_code, f"job {job.id} is cancelled" in result.stderr) == (1, True)


def test_a_failed_step_can_be_redriven(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    execute(api, "UPDATE task SET status = 'dead', error_code = 'store'")
    execute(api, "UPDATE job SET status = 'failed', error_code = 'store', finished_at = now()")
    redriven = api.client.redrive(job.id)
    assert (redriven.status, redriven.error_code, redriven.finished_at) == ("running", None, None)
    assert execute(api, "SELECT attempts FROM task WHERE status = 'ready'") == 0


def test_the_command_line_waits_and_tells_failure(api: RunningApi, videos: list[Path]) -> None:
    failure = "UPDATE job SET status = 'failed', error_code = 'no_video', error_message = 'No video.'"
    threading.Timer(0.5, execute, (api, failure)).start()
    arguments = ["submit", str(videos[0]), "--wait", "--endpoint-url", api.url]
    result = command_line(api).invoke(marey_cli, arguments)
    assert result.exit_code == 1
    assert "failed, 0/0 videos: No video. [no_video]" in result.stderr

"""The REST API on a real port with a real Postgres, used through the SDK, the CLI and raw HTTP."""

import asyncio
import json
import re
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import marey
import pytest
from click.testing import CliRunner
from marey.cli import main as marey_cli
from marey.errors import InvalidParameterError, InvalidRequestError, NotFoundError

from api.service import Server, listening_socket, open_services, server_config
from api.settings import ApiSettings
from api.uploads.service import UploadLimits
from api.uploads.tokens import UploadGrant, sign
from core.errors import PortTakenError
from orchestrator.settings import Settings

SECRET = b"x" * 32
MAX_BYTES = 300_000
DEADLINE_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApi:
    """An API that serves in a thread."""

    url: str
    http: httpx.Client
    client: marey.Client
    objects: Path
    database_url: str


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Iterator[RunningApi]:
    """The API with small limits; NATS and Triton are not there."""
    objects = tmp_path / "objects"
    settings = ApiSettings(
        services=Settings(
            database_url=database_url,
            nats_url="nats://127.0.0.1:9",
            triton_url="127.0.0.1:9",
            store_url=objects.as_uri(),
        ),
        upload_secret=SECRET,
        upload_limits=UploadLimits(max_bytes=MAX_BYTES, lifetime_s=60, idle_s=0.5),
    )
    with (
        serving(settings) as url,
        httpx.Client(base_url=url, timeout=DEADLINE_S, trust_env=False) as http,
        marey.Client(url) as client,
    ):
        yield RunningApi(url=url, http=http, client=client, objects=objects, database_url=database_url)


@contextmanager
def serving(settings: ApiSettings) -> Iterator[str]:
    """The address of an API that serves in a thread."""
    started: Future[Server] = Future()

    async def serve() -> None:
        async with open_services(settings) as services:
            server = Server(server_config(services))
            started.set_result(server)
            await server.serve(sockets=[listener])

    with listening_socket("127.0.0.1", 0) as listener, ThreadPoolExecutor(1) as thread:
        served = thread.submit(asyncio.run, serve())
        served.add_done_callback(lambda _: started.cancel())
        try:
            server = started.result(timeout=DEADLINE_S)
        except CancelledError:
            served.result(timeout=0)
            raise
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        served.result(timeout=DEADLINE_S)


@pytest.fixture
def videos(tmp_path: Path) -> list[Path]:
    """Two files of the same name."""
    paths = [tmp_path / folder / "clip.mp4" for folder in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(path.parent.name.encode() * 1000)
    return paths


def upload(api: RunningApi, content: bytes = b"zip") -> str:
    """The key of a finished upload."""
    ticket = api.http.get("/job/upload_handler").json()
    assert api.http.put(ticket["upload_url"], content=content).status_code == 201
    return str(ticket["input_key"])


def finish_job(api: RunningApi, job_id: int) -> int:
    """Write what the orchestrator would write for one video; returns the video's id."""

    async def write() -> int:
        connection = await asyncpg.connect(api.database_url, timeout=DEADLINE_S)
        try:
            video_id: int = await connection.fetchval(
                "INSERT INTO video (job_id, video_name, video_results_path, status)"
                " VALUES ($1, 'run.mp4', '', 'completed') RETURNING id",
                job_id,
            )
            prefix = f"jobs/{job_id}/videos/{video_id}/"
            await connection.execute("UPDATE video SET video_results_path = $1", prefix)
            await connection.execute(
                "UPDATE job SET status = 'completed', videos_total = 1, videos_done = 1 WHERE id = $1", job_id
            )
        finally:
            await connection.close()
        return video_id

    video_id = asyncio.run(write())
    folder = api.objects / f"jobs/{job_id}/videos/{video_id}"
    folder.mkdir(parents=True)
    (folder / "keypoints.csv").write_text("video,frame\n")
    (folder / "overlay.mp4").write_bytes(bytes(range(256)) * 5000)
    (folder / "batch-0.npz").write_bytes(b"not a result")
    (api.objects / f"jobs/{job_id}/summary.json").write_text("{}")
    return video_id


def assert_problem(response: httpx.Response, status: int, code: str) -> str:
    """Check an RFC 9457 body; returns its sentence."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["request_id"] == response.headers["x-request-id"]
    return str(body["detail"])


def test_videos_become_a_job(api: RunningApi, videos: list[Path]) -> None:
    sent: list[tuple[int, int]] = []
    job = api.client.submit(
        videos, parameters={"overlay": "half"}, on_upload=lambda done, total: sent.append((done, total))
    )
    assert (job.status, job.pipeline, job.tier) == ("queued", "pose_2d", "standard")
    assert job.parameters["overlay"] == "half"
    assert job == api.client.job(job.id)
    assert api.client.jobs() == [job]
    assert api.client.videos(job.id) == []
    (package,) = (api.objects / "uploads").iterdir()
    with zipfile.ZipFile(package) as archive:
        assert archive.namelist() == ["clip.mp4", "clip-2.mp4"]
        assert archive.read("clip-2.mp4") == b"b" * 1000
    assert sent[-1] == (package.stat().st_size,) * 2


def test_a_zip_is_sent_as_it_is(api: RunningApi, tmp_path: Path) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(b"PK anything")
    api.client.submit([package])
    (stored,) = (api.objects / "uploads").iterdir()
    assert stored.read_bytes() == b"PK anything"


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


def test_an_upload_is_used_once(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    assert api.http.put(ticket["upload_url"], content=b"first").status_code == 201
    assert_problem(api.http.put(ticket["upload_url"], content=b"second"), 409, "upload_used")
    assert (api.objects / ticket["input_key"]).read_bytes() == b"first"


def test_of_concurrent_uploads_one_wins(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    with ThreadPoolExecutor(8) as threads:
        bodies = [bytes([n]) * 200_000 for n in range(8)]
        answers = list(threads.map(lambda body: api.http.put(ticket["upload_url"], content=body), bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert (api.objects / ticket["input_key"]).read_bytes() in bodies


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_an_upload_too_large_is_refused(api: RunningApi, announced: bool) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    body = b"x" * (MAX_BYTES + 1)
    response = api.http.put(ticket["upload_url"], content=body if announced else iter([body]))
    assert f"at most {MAX_BYTES} bytes" in assert_problem(response, 413, "upload_too_large")
    assert_no_upload(api)
    assert api.http.put(ticket["upload_url"], content=body[:MAX_BYTES]).status_code == 201


def test_an_expired_upload_is_refused(api: RunningApi) -> None:
    token = sign(UploadGrant("uploads/0.zip", 100, int(time.time()) - 1), SECRET)
    assert_problem(api.http.put(f"/upload/{token}", content=b"x"), 403, "upload_expired")


def test_a_tampered_upload_is_refused(api: RunningApi) -> None:
    forged = sign(UploadGrant("jobs/1/summary.json", 100, 2**40), b"y" * 32)
    assert_problem(api.http.put(f"/upload/{forged}", content=b"x"), 403, "invalid_upload_token")
    assert not (api.objects / "jobs").exists()


def test_half_an_upload_is_no_input(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()
    _put_half(ticket["upload_url"])
    assert_no_upload(api)
    body = {"input": ticket["input_key"]}
    assert_problem(api.http.post("/job", json=body), 400, "invalid_parameter")
    assert api.http.put(ticket["upload_url"], content=b"whole").status_code == 201


def test_an_upload_that_stalls_is_given_up(api: RunningApi) -> None:
    ticket = api.http.get("/job/upload_handler").json()

    def stalls() -> Iterator[bytes]:
        yield b"begin"
        time.sleep(1.5)
        yield b"end"

    response = api.http.put(ticket["upload_url"], content=stalls())
    assert_problem(response, 400, "upload_incomplete")
    assert_no_upload(api)


def _put_half(url: str) -> None:
    """Announce ten bytes, send five, hang up."""
    path = httpx.URL(url).path
    with raw_connection(url) as raw:
        raw.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf.".encode())


def raw_connection(url: str) -> socket.socket:
    """A connection to the server of `url`: httpx would tidy paths and bodies."""
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 80), timeout=DEADLINE_S)


def assert_no_upload(api: RunningApi) -> None:
    """Nothing is left of an upload, soon."""
    deadline_s = time.monotonic() + DEADLINE_S
    while left := [path for path in api.objects.rglob("*") if path.is_file()]:
        assert time.monotonic() < deadline_s, left
        time.sleep(0.02)


WRONG_JOBS: tuple[tuple[dict[str, object], str, str], ...] = (
    ({"input": 3}, "invalid_request", "input"),
    ({"tier": "high_priority"}, "invalid_request", "unknown field `tier`"),
    ({"parameters": []}, "invalid_request", "object"),
    ({"parameters": {"overlay": "no"}}, "invalid_parameter", "one of full, half, off, got 'no'"),
    ({"parameters": {"fps": 3}}, "invalid_parameter", "overlay"),
    ({"pipeline": "pose_9d"}, "invalid_parameter", "pose_2d"),
    ({"input": "../../etc/passwd"}, "invalid_parameter", "finished upload"),
    ({"input": "uploads/" + "0" * 32 + ".zip"}, "invalid_parameter", "finished upload"),
)


def test_a_wrong_job_is_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    good = {"input": upload(api)}
    for wrong, code, sentence in WRONG_JOBS:
        with subtests.test(wrong=wrong):
            response = api.http.post("/job", json=good | wrong)
            assert sentence in assert_problem(response, 400, code)
    assert api.client.jobs() == []


def test_a_job_needs_an_input(api: RunningApi) -> None:
    assert "`input`" in assert_problem(api.http.post("/job", json={}), 400, "invalid_request")


def test_rubbish_is_refused(api: RunningApi, subtests: pytest.Subtests) -> None:
    deep = b'{"input": "", "parameters": {"overlay": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    for body in (b"", b"{", b"[1]", b"\xff", b'{"input": "\\ud800"}', b"[" * 10_000, deep):
        with subtests.test(str(body[:20])):
            response = api.http.post("/job", content=body, headers={"content-type": "application/json"})
            assert_problem(response, 400, "invalid_request")


def test_a_body_too_large_is_refused(api: RunningApi) -> None:
    assert_problem(api.http.post("/job", json={"input": "x" * 2_000_000}), 413, "request_too_large")


def test_wrong_addresses(api: RunningApi, subtests: pytest.Subtests) -> None:
    for method, path, status, code in (
        ("GET", "/job/1", 404, "not_found"),
        ("GET", "/job/9223372036854775807/video", 404, "not_found"),
        ("GET", "/job/9223372036854775808", 400, "invalid_request"),
        ("GET", "/job/1/results", 404, "not_found"),
        ("GET", "/job/1/results/summary.json", 404, "not_found"),
        ("GET", "/job/one", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/job?limit=0", 400, "invalid_request"),
        ("DELETE", "/job", 405, "method_not_allowed"),
    ):
        with subtests.test(path):
            assert_problem(api.http.request(method, path), status, code)


def test_request_ids(api: RunningApi) -> None:
    given = api.http.get("/job", headers={"X-Request-ID": "abc-1"})
    assert given.headers["x-request-id"] == "abc-1"
    made = api.http.get("/job", headers={"X-Request-ID": "not one"})
    assert re.fullmatch(r"[0-9a-f]{32}", made.headers["x-request-id"])


def test_health(api: RunningApi) -> None:
    assert api.http.get("/health/live").json() == {"status": "live"}
    response = api.http.get("/health/ready")
    assert "nats (timeout), triton (inference_unavailable)" in assert_problem(response, 503, "not_ready")
    assert response.json()["checks"]["postgres"] == "ok"


def test_the_api_describes_itself(api: RunningApi) -> None:
    paths = api.http.get("/docs/openapi.json").json()["paths"]
    assert {"/job", "/job/upload_handler", "/job/{job_id}", "/health/ready"} <= set(paths)


def test_a_port_that_is_taken_is_named() -> None:
    with listening_socket("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=str(port)):
            listening_socket("127.0.0.1", port)


def test_client_errors_have_classes(api: RunningApi) -> None:
    with pytest.raises(NotFoundError, match="no job 7") as missing:
        api.client.job(7)
    assert (missing.value.status, missing.value.code) == (404, "not_found")
    assert missing.value.request_id
    with pytest.raises(InvalidParameterError, match="finished upload"):
        api.client.create_job("nothing")
    with pytest.raises(InvalidRequestError):
        api.client.jobs(limit=1000)


def test_a_job_that_goes_on_times_out(api: RunningApi) -> None:
    job = api.client.create_job(upload(api))
    with pytest.raises(marey.JobTimeoutError, match=f"job {job.id} .* queued"):
        api.client.wait(job.id, timeout_s=0.2)


def test_the_command_line(api: RunningApi, videos: list[Path], tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(marey_cli, [*arguments, "--endpoint-url", api.url])
        assert result.exit_code == 0, result.output
        return result.stdout

    job_id = run("submit", *map(str, videos), "--overlay", "off").strip()
    finish_job(api, int(job_id))
    assert f"job {job_id}: completed, 1/1 videos" in run("job", job_id)
    assert json.loads(run("job", job_id, "--json"))["job"]["parameters"]["overlay"] == "off"
    assert "completed" in run("jobs")
    fetched = run("results", job_id, "--out", str(tmp_path / "out")).split()
    assert [Path(path).name for path in fetched] == ["keypoints.csv", "overlay.mp4", "summary.json"]


def test_the_command_line_waits_and_tells_failure(api: RunningApi, videos: list[Path]) -> None:
    threading.Timer(0.5, lambda: asyncio.run(_fail_jobs(api.database_url))).start()
    arguments = ["submit", str(videos[0]), "--wait", "--endpoint-url", api.url]
    result = CliRunner().invoke(marey_cli, arguments)
    assert result.exit_code == 1
    assert "failed, 0/0 videos: No video. [no_video]" in result.stderr


async def _fail_jobs(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, timeout=DEADLINE_S)
    try:
        await connection.execute(
            "UPDATE job SET status = 'failed', error_code = 'no_video', error_message = 'No video.'"
        )
    finally:
        await connection.close()

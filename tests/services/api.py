"""Fixtures: the REST API on a real port, with a real Postgres and without an orchestrator."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import marey
import pytest

from api.rpc.settings import RpcSettings
from api.service import MakeChecks, Server, listening_socket, open_services, rpc_beside, server_config
from api.settings import ApiSettings
from api.uploads.service import UploadLimits
from orchestrator.settings import Settings
from tests.services.running import free_port

SECRET = b"x" * 32
CLUSTERS = frozenset({"triton-1:8001", "triton-2:8001"})
"""That projects may be set to run on."""
MAX_UPLOAD_BYTES = 300_000
DEADLINE_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApi:
    """An API that serves in a thread."""

    url: str
    api_key: str
    """Of the first administrator."""
    http: httpx.Client
    """Sends that key, and so does `client`."""
    client: marey.Client
    rpc_address: str
    """host:port of its gRPC server."""
    objects: Path
    database_url: str


@pytest.fixture
def api(database_url: str, tmp_path: Path) -> Iterator[RunningApi]:
    """The API with small limits; NATS and Triton are not there and not asked for."""
    settings = ApiSettings(
        services=Settings(
            database_url=database_url,
            nats_url="nats://127.0.0.1:9",
            triton_url="127.0.0.1:9",
            store_url=(tmp_path / "objects").as_uri(),
            cluster_urls=CLUSTERS,
        ),
        secret=SECRET,
        admin_key_file=tmp_path / "api-key",
        upload_limits=UploadLimits(max_bytes=MAX_UPLOAD_BYTES, lifetime_s=60, idle_s=0.5),
        rpc=RpcSettings(port=free_port(), public_url="http://rest.example", reflection=True),
    )
    with running_api(settings) as api:
        yield api


@contextmanager
def running_api(settings: ApiSettings) -> Iterator[RunningApi]:
    """An API that is ready as soon as its Postgres is, with clients of its first administrator."""
    assert settings.admin_key_file is not None
    assert settings.rpc is not None
    with (
        serving(settings, lambda store, *_: {"postgres": store.ping}) as url,
        http_client(url, key := settings.admin_key_file.read_text()) as http,
        marey.Client(url, key) as client,
    ):
        yield RunningApi(
            url=url,
            api_key=key,
            http=http,
            client=client,
            rpc_address=settings.rpc.address,
            objects=Path(settings.services.store_url.removeprefix("file://")),
            database_url=settings.services.database_url,
        )


def http_client(url: str, api_key: str | None) -> httpx.Client:
    """A client that sends this key."""
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    return httpx.Client(base_url=url, timeout=DEADLINE_S, trust_env=False, headers=headers)


@contextmanager
def serving(settings: ApiSettings, make_checks: MakeChecks | None = None) -> Iterator[str]:
    """The address of an API that serves in a thread; `make_checks` says when it is ready, if not as usual."""
    started: Future[Server] = Future()

    async def serve() -> None:
        async with (
            open_services(settings, make_checks) as services,
            rpc_beside(services, settings.rpc, drain_timeout_s=5),
        ):
            server = Server(server_config(services, drain_timeout_s=5), services.stopping)
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


def upload(api: RunningApi, content: bytes = b"zip") -> str:
    """The key of a finished upload."""
    ticket = api.http.get("/job/upload_handler").json()
    assert api.http.put(ticket["upload_url"], content=content).status_code == 201
    return str(ticket["input_key"])


def finish_job(api: RunningApi, job_id: int) -> int:
    """Write what the orchestrator would write for one video; returns the video's id."""

    statement = (
        "WITH ended AS (UPDATE job SET status = 'completed', videos_total = 1, videos_done = 1 WHERE id = $1)"
        " INSERT INTO video (job_id, video_name, video_results_path, status)"
        " VALUES ($1, 'run.mp4', format('jobs/%s/videos/1/', $1::bigint), 'completed') RETURNING id"
    )
    video_id = execute(api, statement, job_id)
    assert video_id == 1
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


def raw_connection(url: str) -> socket.socket:
    """A connection to the server of `url`: httpx would tidy paths and bodies."""
    address = httpx.URL(url)
    return socket.create_connection((address.host, address.port or 80), timeout=DEADLINE_S)


def execute(api: RunningApi, statement: str, *arguments: object) -> int | None:
    """The first value that an SQL statement returns."""

    async def run() -> int | None:
        connection = await asyncpg.connect(api.database_url, timeout=DEADLINE_S)
        try:
            value: int | None = await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()
        return value

    return asyncio.run(run())

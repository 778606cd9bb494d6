"""Projects that run on Tritons of their own: real servers, one of them away or hung for a while."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import asyncpg
import httpx
import onnx
import pytest

from core.errors import ModelContractError
from core.jobs import JobStatus, Tier
from core.networks import Networks
from deploy.embedded.triton import TritonPorts
from orchestrator.clusters import open_cluster
from orchestrator.service import serve_orchestrator, serve_worker, work_on_runs
from orchestrator.settings import MetricsSettings, QueueSettings, Settings
from orchestrator.store import JobRequest, Tenant
from orchestrator.triton import TritonClient
from tests.media import Clip, write_clip
from tests.services.backlogs import make_project
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses
from tests.services.probe_networks import write_probe_networks
from tests.services.running import free_port
from tests.services.triton import TritonServer, serving
from tests.services.waiting import eventually

FRAMES = 12
START_S = 60.0


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """One video."""
    return zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=FRAMES))})


@pytest.fixture
async def lab(system: System) -> Tenant:
    """A project beside the default one."""
    return await make_project(system, "lab", Tier.STANDARD)


@pytest.fixture
def other_ports() -> TritonPorts:
    """Where the second server will be."""
    return TritonPorts(http=free_port(), grpc=free_port(), metrics=free_port())


@pytest.fixture
def hung() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def other_networks(models: Path) -> Path:
    """Networks with the answers of the probe networks and other digests."""
    write_probe_networks(models)
    for path in models.glob("*/1/model.onnx"):
        model = onnx.load(path)
        model.doc_string = "another training"
        onnx.save(model, path)
    return models


async def run_on(system: System, project: Tenant, cluster_url: str | None) -> None:
    """Set the project's Triton."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        query = "UPDATE project SET project_cluster_url = $2 WHERE id = $1"
        await connection.execute(query, project.project_id, cluster_url)
    finally:
        await connection.close()


async def submit(system: System, project: Tenant, package: Path) -> int:
    """A job of the project."""
    key = f"uploads/{project.project_id}.zip"
    system.objects.put(key, await asyncio.to_thread(package.read_bytes))
    parameters = {"overlay": "off", "frame_batch_frames": 4, "batches_per_run": 1}
    request = JobRequest(pipeline_name="pose_2d", input_key=key, parameters=parameters)
    return await system.store.jobs.create(project, request)


async def until_over(system: System, project: Tenant, job_id: int) -> JobStatus:
    """How the job ended."""

    async def is_over() -> bool:
        return (await system.store.jobs.job(project, job_id)).status.is_final

    await eventually(is_over, START_S)
    return (await system.store.jobs.job(project, job_id)).status


@asynccontextmanager
async def processes(settings: Settings, known: KnownPoses | None = None) -> AsyncIterator[None]:
    """An orchestrator and a worker, whose own Triton `known` may stand for."""
    stop = asyncio.Event()
    work = serve_worker(settings, stop) if known is None else work_on_runs(settings, known, stop)
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_orchestrator(settings, stop))
        group.create_task(work)
        try:
            yield
        finally:
            stop.set()


async def networks_of(url: str) -> Networks:
    """What a server serves."""
    async with await TritonClient.open(url) as client:
        return await client.networks()


async def triton_there(metrics_port: int, url: str) -> float | None:
    """What the worker's metrics say of a Triton; None until they say something."""
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            text = (await http.get(f"http://127.0.0.1:{metrics_port}/metrics")).text
        except httpx.ConnectError:
            return None
    start = f'marey_triton_there{{triton="{url}"}} '
    return next(
        (float(line.removeprefix(start)) for line in text.splitlines() if line.startswith(start)), None
    )


@pytest.mark.timeout(180)
async def test_a_project_runs_on_its_own_triton_and_waits_for_it_alone(
    system: System,
    lab: Tenant,
    package: Path,
    probe_triton: TritonServer,
    other_ports: TritonPorts,
    tmp_path: Path,
) -> None:
    url, metrics_port = f"127.0.0.1:{other_ports.grpc}", free_port()
    settings = replace(system.settings, triton_url=probe_triton.url, cluster_urls=frozenset({url}))
    worker = replace(settings, metrics=MetricsSettings(port=metrics_port))
    await run_on(system, lab, url)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_orchestrator(settings, stop))
        group.create_task(serve_worker(worker, stop))
        away = await submit(system, lab, package)

        async def is_missed() -> bool:
            return await triton_there(metrics_port, url) == 0

        await eventually(is_missed, START_S)
        here = await system.submit(package, {"overlay": "off"})
        assert (await system.ended(here)).status is JobStatus.COMPLETED
        (waiting,) = (await system.store.jobs.snapshot(lab, away)).videos
        assert (waiting.frames_done, waiting.error_code) == (0, None)
        assert await triton_there(metrics_port, probe_triton.url) == 1
        with ExitStack() as stack:
            server = serving(tmp_path / "other", other_networks(tmp_path / "models"), ports=other_ports)
            await asyncio.to_thread(stack.enter_context, server)
            assert await until_over(system, lab, away) is JobStatus.COMPLETED
            assert await triton_there(metrics_port, url) == 1
            expected = [await networks_of(probe_triton.url), await networks_of(url)]
            # A Triton of this host reads the frames where they lie.
            async with await TritonClient.open(url) as client:
                assert len(await client.regions()) == 1
            stop.set()
    (here_video,) = await system.store.videos(here)
    (there_video,) = (await system.store.jobs.snapshot(lab, away)).videos
    assert here_video.summary is not None
    assert there_video.summary is not None
    assert [here_video.summary["networks"], there_video.summary["networks"]] == expected
    assert expected[0] != expected[1]
    assert there_video.frames_done == FRAMES
    assert there_video.summary["poses"] == here_video.summary["poses"] != 0


@pytest.mark.timeout(180)
async def test_one_that_was_restarted_is_used_again(
    system: System, lab: Tenant, package: Path, other_ports: TritonPorts, tmp_path: Path
) -> None:
    """It does not know the worker's shared memory any more, and no attempt was used up meanwhile."""
    url, metrics_port = f"127.0.0.1:{other_ports.grpc}", free_port()
    settings = replace(system.settings, cluster_urls=frozenset({url}))
    await run_on(system, lab, url)
    models = other_networks(tmp_path / "models")
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_orchestrator(settings, stop))
        worker = replace(settings, metrics=MetricsSettings(port=metrics_port))
        group.create_task(work_on_runs(worker, KnownPoses(), stop))
        with ExitStack() as stack:
            await asyncio.to_thread(stack.enter_context, serving(tmp_path / "1", models, ports=other_ports))
            first = await submit(system, lab, package)
            assert await until_over(system, lab, first) is JobStatus.COMPLETED
            await asyncio.to_thread(stack.close)
            second = await submit(system, lab, package)

            async def is_missed() -> bool:
                return await triton_there(metrics_port, url) == 0

            await eventually(is_missed, START_S)
            await asyncio.to_thread(stack.enter_context, serving(tmp_path / "2", models, ports=other_ports))
            assert await until_over(system, lab, second) is JobStatus.COMPLETED
            stop.set()
    videos = [(await system.store.jobs.snapshot(lab, job_id)).videos[0] for job_id in (first, second)]
    assert [video.frames_done for video in videos] == [FRAMES, FRAMES]
    poses = [video.summary and (video.summary["poses"], video.summary["networks"]) for video in videos]
    assert poses[0] == poses[1]


async def test_one_that_hangs_holds_up_no_other_project(
    system: System, lab: Tenant, package: Path, hung: str
) -> None:
    """Not even in a worker that does one run at a time."""
    settings = replace(system.settings, cluster_urls=frozenset({hung}), queue=QueueSettings(runs_in_flight=1))
    await run_on(system, lab, hung)
    async with processes(settings, KnownPoses()):
        stuck = await submit(system, lab, package)

        async def is_begun() -> bool:
            query = "SELECT bool_or(status = 'leased' AND kind = 'infer') FROM task WHERE job_id = $1"
            connection = await asyncpg.connect(system.settings.database_url)
            try:
                return bool(await connection.fetchval(query, stuck))
            finally:
                await connection.close()

        await eventually(is_begun)
        other = await system.submit(package, {"overlay": "off"})
        assert (await system.ended(other, timeout_s=8)).status is JobStatus.COMPLETED
        assert await is_begun(), "the run on the hung server ended before the other project's job"
    assert not (await system.store.jobs.job(lab, stuck)).status.is_final


async def test_one_that_is_not_allowed_is_never_connected_to(
    system: System, lab: Tenant, package: Path, hung: str
) -> None:
    await run_on(system, lab, hung)
    async with processes(system.settings, KnownPoses()):
        job_id = await submit(system, lab, package)
        assert await until_over(system, lab, job_id) is JobStatus.FAILED
        (video,) = (await system.store.jobs.snapshot(lab, job_id)).videos
        assert {flaw.error_code for flaw in video.failed_ranges} == {"cluster_not_allowed"}
        await run_on(system, lab, None)
        await system.store.jobs.redrive(lab, job_id)
        assert await until_over(system, lab, job_id) is JobStatus.COMPLETED


@pytest.mark.timeout(120)
async def test_a_server_that_does_not_tell_its_networks_is_refused(tmp_path: Path) -> None:
    def silence(repository: Path) -> None:
        for config in repository.rglob("config.pbtxt"):
            config.write_text(config.read_text().replace('key: "sha256"', 'key: "other"'))

    with (
        serving(tmp_path, write_probe_networks(tmp_path / "models"), silence) as server,
        pytest.raises(ModelContractError, match=f"Triton at {server.url}.*SHA-256.*hrnet, yolo"),
    ):
        async with open_cluster(server.url, frozenset({server.url})):
            pass

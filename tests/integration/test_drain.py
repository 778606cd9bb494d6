"""SIGTERM: work under way ends or is handed back, nothing is lost and nothing is done twice."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from core.jobs import JobStatus
from deploy.embedded.nats import nats_command, nats_url
from orchestrator.bus import Bus
from tests.media import Clip, write_clip
from tests.services.leases import assert_consistent, tasks_by_status
from tests.services.nats import stored_messages
from tests.services.orchestrator import System, zip_of
from tests.services.processes import environment_of, marey_process
from tests.services.running import answers, free_port, running
from tests.services.triton import TritonServer
from tests.services.waiting import eventually

pytestmark = pytest.mark.timeout(180)
SMALL_RUNS = {"frame_batch_frames": 8, "batches_per_run": 2, "overlay": "off"}
STOP_S, LONG_S = 30.0, 60.0
FIRST_RUN = "SELECT id FROM frame_batch WHERE start_frame = 8 FOR UPDATE"
THE_JOB = "SELECT id FROM job FOR UPDATE"


@pytest.fixture
def system(system: System, probe_triton: TritonServer) -> System:
    """With Triton."""
    return replace(system, settings=replace(system.settings, triton_url=probe_triton.url))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """45 frames, so three runs."""
    return zip_of(tmp_path / "p.zip", {"v.mp4": write_clip(tmp_path / "v.mp4", Clip(frames=45))})


@asynccontextmanager
async def locked(system: System, statement: str) -> AsyncIterator[asyncpg.Connection]:
    """Whoever wants to change the rows of `statement` waits until the block ends."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        async with connection.transaction():
            assert await connection.fetch(statement)
            yield connection
    finally:
        await connection.close()


async def value(system: System, statement: str) -> object:
    """The one value of a statement."""
    connection = await asyncpg.connect(system.settings.database_url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def until_blocked(system: System) -> None:
    """Wait until somebody waits for a row that is locked."""

    async def is_blocked() -> bool:
        return bool(
            await value(
                system,
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
        )

    await eventually(is_blocked, LONG_S)


async def until_cut(system: System) -> None:
    """Wait until the video's frame batches are there."""

    async def is_cut() -> bool:
        return bool(await value(system, "SELECT count(*) FROM frame_batch"))

    await eventually(is_cut, LONG_S)


async def assert_done_once(system: System, job_id: int) -> None:
    """The job has all its frames, no task was tried twice, no message is left."""
    job = await system.ended(job_id, LONG_S)
    assert job.status is JobStatus.COMPLETED
    await assert_consistent(system, (await system.store.videos(job_id))[0].id)
    assert await value(system, "SELECT max(attempts) FROM task") == 1

    async def no_message_is_left() -> bool:
        return not await stored_messages(system.settings.nats_url)

    await eventually(no_message_is_left, timeout_s=10)


async def test_a_worker_ends_what_it_has_begun(system: System, package: Path, tmp_path: Path) -> None:
    environment = {**environment_of(system.settings), "MAREY_DRAIN_TIMEOUT_S": "30"}
    with marey_process("orchestrator", environment, tmp_path):
        job_id = await system.submit(package, SMALL_RUNS)
        await until_cut(system)
        with marey_process("worker", {**environment, "MAREY_RUNS_IN_FLIGHT": "1"}, tmp_path) as worker:
            async with locked(system, FIRST_RUN):
                await until_blocked(system)
                worker.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.5)
                assert worker.process.poll() is None
            assert await asyncio.to_thread(worker.ended, STOP_S) == 0, worker.log.read_text()
        assert (await tasks_by_status(system)).get("leased") is None
        assert await value(system, "SELECT count(*) FROM task WHERE kind = 'infer' AND status = 'done'") == 1
        with marey_process("worker", environment, tmp_path):
            await assert_done_once(system, job_id)


async def test_a_worker_hands_back_what_takes_too_long(system: System, package: Path, tmp_path: Path) -> None:
    environment = {**environment_of(system.settings), "MAREY_DRAIN_TIMEOUT_S": "1"}
    with marey_process("orchestrator", environment, tmp_path):
        job_id = await system.submit(package, SMALL_RUNS)
        await until_cut(system)
        with marey_process("worker", environment, tmp_path) as worker:
            async with locked(system, FIRST_RUN):
                await until_blocked(system)
                worker.process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(worker.ended, STOP_S) == 0, worker.log.read_text()
                assert (await tasks_by_status(system)).get("leased") is None
            assert "infer handed back" in worker.log.read_text()
        with marey_process("worker", environment, tmp_path):
            await assert_done_once(system, job_id)


@pytest.mark.parametrize("drain_timeout_s", [1, 30], ids=["hands back", "ends"])
async def test_an_orchestrator_is_replaced(
    system: System, package: Path, tmp_path: Path, drain_timeout_s: int
) -> None:
    environment = {**environment_of(system.settings), "MAREY_DRAIN_TIMEOUT_S": str(drain_timeout_s)}
    job_id = await system.submit(package, SMALL_RUNS)
    with marey_process("worker", environment, tmp_path):
        async with locked(system, THE_JOB) as lock:
            with marey_process("orchestrator", environment, tmp_path) as orchestrator:
                await until_blocked(system)
                orchestrator.process.send_signal(signal.SIGTERM)
                if drain_timeout_s > STOP_S / 2:
                    await lock.execute("COMMIT; BEGIN")
                assert await asyncio.to_thread(orchestrator.ended, STOP_S) == 0, orchestrator.log.read_text()
        assert (await tasks_by_status(system)).get("leased") is None
        handed_back = "initialize handed back" in orchestrator.log.read_text()
        assert handed_back is (drain_timeout_s == 1)
        with marey_process("orchestrator", environment, tmp_path):
            await assert_done_once(system, job_id)


async def test_processes_end_without_the_bus(system: System, tmp_path: Path) -> None:
    port = free_port()
    bus = nats_command(tmp_path / "nats", port)
    settings = replace(system.settings, nats_url=nats_url(port))
    environment = {**environment_of(settings), "MAREY_DRAIN_TIMEOUT_S": "1"}
    with (
        running(bus, tmp_path / "nats.log", lambda: answers(port)) as server,
        marey_process("orchestrator", environment, tmp_path) as orchestrator,
        marey_process("worker", environment, tmp_path) as worker,
    ):
        server.kill()
        server.wait(10)
        started_s = time.monotonic()
        for process in (orchestrator, worker):
            process.process.send_signal(signal.SIGTERM)
        for process in (orchestrator, worker):
            assert await asyncio.to_thread(process.ended, STOP_S) == 0, process.log.read_text()
        assert time.monotonic() - started_s < STOP_S


async def test_leaving_a_bus_that_is_gone_is_no_failure(tmp_path: Path) -> None:
    port = free_port()
    with running(
        nats_command(tmp_path / "nats", port), tmp_path / "nats.log", lambda: answers(port)
    ) as server:
        async with Bus.open(nats_url(port)) as bus, bus.hints(lambda _: None):
            server.kill()
            server.wait(10)

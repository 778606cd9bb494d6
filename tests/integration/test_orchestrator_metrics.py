"""Metrics and log lines of orchestrators and workers, over a whole job."""

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from core.errors import PortTakenError
from orchestrator.metrics import Metrics, metrics_server
from orchestrator.service import serve_orchestrator, work_on_runs
from orchestrator.settings import MetricsSettings, Settings
from tests.media import Clip, write_clip
from tests.services.orchestrator import System, zip_of
from tests.services.poses import KnownPoses
from tests.services.prometheus import Samples, samples, value
from tests.services.running import free_port

FRAMES = 100


def on_port(settings: Settings, port: int) -> Settings:
    """The settings of a process with metrics."""
    return replace(settings, metrics=MetricsSettings(port=port))


async def scraped(port: int) -> Samples:
    """What Prometheus would read."""
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        return samples((await client.get(f"http://127.0.0.1:{port}/metrics")).text)


async def looked_at_nats(port: int) -> Samples:
    """The same once the orchestrator has looked at NATS, which it does every 15 s."""
    deadline_s = time.monotonic() + 40
    found = await scraped(port)
    while value(found, "marey_nats_messages", stream="MAREY") is None:
        assert time.monotonic() < deadline_s
        await asyncio.sleep(0.2)
        found = await scraped(port)
    return found


async def test_a_job_shows_in_metrics_and_logs(
    system: System, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    video = write_clip(tmp_path / "run.mp4", Clip(frames=FRAMES))
    stop, ports = asyncio.Event(), (free_port(), free_port())
    async with asyncio.TaskGroup() as group:
        group.create_task(serve_orchestrator(on_port(system.settings, ports[0]), stop))
        group.create_task(work_on_runs(on_port(system.settings, ports[1]), KnownPoses(), stop))
        try:
            job_id = await system.submit(zip_of(tmp_path / "package.zip", {"run.mp4": video}))
            assert (await system.ended(job_id)).error_code is None
            by_orchestrator, by_worker = await looked_at_nats(ports[0]), await scraped(ports[1])
        finally:
            stop.set()
    assert value(by_worker, "marey_frames_total", tier="standard", decoded="yes") == FRAMES
    done = {"kind": "infer", "tier": "standard", "outcome": "done"}
    assert (value(by_worker, "marey_task_attempts_total", **done) or 0) >= 1
    assert value(by_worker, "marey_tasks_under_way", kind="infer") == 0
    assert (value(by_orchestrator, "marey_messages_sent_total", result="stored") or 0) >= 5
    assert (value(by_orchestrator, "marey_pool_connections", state="idle") or 0) >= 1
    _check_logs([vars(record) for record in caplog.records], job_id)


def _check_logs(lines: list[dict[str, object]], job_id: int) -> None:
    batches = [line for line in lines if line.get("action") == "frame_batch"]
    spans = [(batch["start_frame"], batch["stop_frame"]) for batch in batches]
    assert spans == [(0, 32), (32, 64), (64, 96), (96, FRAMES)]
    assert all(batch["job_id"] == job_id and batch["outcome"] == "committed" for batch in batches)
    outcomes = {line.get("action"): line.get("outcome") for line in lines}
    for kind in ("initialize", "submit", "infer", "collect_video", "collect_job"):
        assert outcomes[kind] == "done"


def test_a_port_that_is_taken_is_named() -> None:
    settings = MetricsSettings(port=free_port())
    with (
        metrics_server(Metrics(), settings),
        pytest.raises(PortTakenError, match=str(settings.port)),
        metrics_server(Metrics(), settings),
    ):
        pass
    with metrics_server(Metrics(), settings):
        pass

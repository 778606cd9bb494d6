"""Settings from the environment."""

import re

import pytest

from core.errors import ConfigurationError
from orchestrator.frame_path import FramePathSettings
from orchestrator.settings import QueueSettings, Settings, WorkerLoad

COMPLETE = {
    "MAREY_DATABASE_URL": "postgresql://db/marey",
    "MAREY_NATS_URL": "nats://bus",
    "MAREY_TRITON_URL": "triton:8001",
    "MAREY_STORE_URL": "file:///data",
}


def test_everything_is_read() -> None:
    settings = Settings.from_environment(
        {
            **COMPLETE,
            "MAREY_RUNS_IN_FLIGHT": "5",
            "MAREY_REQUESTS_IN_FLIGHT": "6",
            "MAREY_FRAMES_PER_REQUEST": "12",
            "MAREY_WORKERS": "3",
            "MAREY_DRAIN_TIMEOUT_S": "8",
            "MAREY_READY_FILE": "/run/worker.ready",
        }
    )
    assert (settings.database_url, settings.nats_url) == ("postgresql://db/marey", "nats://bus")
    assert (settings.triton_url, settings.store_url) == ("triton:8001", "file:///data")
    assert (settings.queue.runs_in_flight, settings.queue.requests_in_flight) == (5, 6)
    assert (settings.queue.frames_per_request, settings.queue.workers) == (12, 3)
    assert settings.lease.drain_timeout_s == 8
    assert str(settings.ready_file) == "/run/worker.ready"


def test_all_missing_variables_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError, match="MAREY_NATS_URL, MAREY_STORE_URL"):
        Settings.from_environment({"MAREY_DATABASE_URL": "x", "MAREY_TRITON_URL": "y", "MAREY_NATS_URL": ""})


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", ""])
def test_a_wrong_number_is_named(text: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=re.escape(f"MAREY_RUNS_IN_FLIGHT: expected a whole number of at least 1, got {text!r}"),
    ):
        Settings.from_environment({**COMPLETE, "MAREY_RUNS_IN_FLIGHT": text})


def test_a_drain_is_no_longer_than_a_lease() -> None:
    with pytest.raises(ConfigurationError, match="MAREY_DRAIN_TIMEOUT_S: expected at most 30"):
        Settings.from_environment({**COMPLETE, "MAREY_DRAIN_TIMEOUT_S": "31"})


def frames(per_request: int, slots: int, slot_mib: int) -> FramePathSettings:
    return FramePathSettings(frames_per_request=per_request, slots=slots, slot_bytes=slot_mib << 20)


@pytest.mark.parametrize(
    ("queue", "engines", "load"),
    [
        (QueueSettings(), 0, WorkerLoad(runs=2, requests=4, frames=frames(8, 5, 112))),
        (QueueSettings(), 7, WorkerLoad(runs=14, requests=14, frames=frames(32, 28, 192))),
        (
            QueueSettings(runs_in_flight=3, frames_per_request=16),
            7,
            WorkerLoad(runs=3, requests=14, frames=frames(16, 17, 192)),
        ),
        (QueueSettings(workers=2), 0, WorkerLoad(runs=1, requests=2, frames=frames(8, 3, 112))),
        (QueueSettings(workers=2), 7, WorkerLoad(runs=7, requests=7, frames=frames(32, 14, 192))),
        (QueueSettings(workers=3), 7, WorkerLoad(runs=5, requests=5, frames=frames(32, 10, 192))),
        (QueueSettings(workers=20), 7, WorkerLoad(runs=1, requests=1, frames=frames(32, 2, 192))),
        (
            QueueSettings(workers=2, runs_in_flight=14),
            7,
            WorkerLoad(runs=14, requests=7, frames=frames(32, 21, 192)),
        ),
        (QueueSettings(requests_in_flight=1), 0, WorkerLoad(runs=2, requests=1, frames=frames(8, 2, 112))),
    ],
)
def test_decoders_are_kept_busy_unless_it_is_said_otherwise(
    queue: QueueSettings, engines: int, load: WorkerLoad
) -> None:
    assert queue.load(engines) == load

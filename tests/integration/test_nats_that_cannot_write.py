"""A JetStream whose disk was full: it answers, but stores nothing until its stream is made anew."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.errors import BusError
from core.jobs import Tier
from deploy.embedded.nats import nats_command, nats_url
from orchestrator.bus import Bus
from orchestrator.lanes import Lane, Queue
from orchestrator.messages import TaskMessage
from tests.services.running import answers, free_port, running

LANE = Lane(queue=Queue.RUNS, tier=Tier.STANDARD, project_id=1)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A server that a test may hurt: its URL and its process."""
    port = free_port()
    command = nats_command(tmp_path / "store", port)
    with running(command, tmp_path / "nats.log", lambda: answers(port)) as process:
        yield nats_url(port), psutil.Process(process.pid)


async def test_messages_are_stored_again_once_there_is_room(server: tuple[str, psutil.Process]) -> None:
    url, process = server
    async with Bus.open(url) as bus:
        assert await bus.provision()
        assert await bus.publish(LANE, TaskMessage(task_id=1, epoch=1))
        process.rlimit(psutil.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(BusError):
            await bus.publish(LANE, TaskMessage(task_id=2, epoch=1))
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert await bus.provision(), "every message is gone, so all are to be sent again"
        assert await bus.publish(LANE, TaskMessage(task_id=2, epoch=1))
        assert not await bus.provision()

"""Fixtures: one nats-server per test session, an empty JetStream per test."""

import asyncio
from collections.abc import Iterator

import nats
import pytest
from nats.js.errors import NotFoundError

from deploy.embedded.nats import nats_command, nats_url
from orchestrator.bus import STREAM
from tests.services.running import answers, free_port, running


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real nats-server with JetStream."""
    root = tmp_path_factory.mktemp("nats")
    port = free_port()
    with running(nats_command(root / "store", port), root / "nats.log", lambda: answers(port)):
        yield nats_url(port)


@pytest.fixture
async def nats_address(nats_server: str) -> str:
    """URL of the server, with no stream of ours."""
    await asyncio.wait_for(_delete_stream(nats_server), timeout=10)
    return nats_server


async def _delete_stream(url: str) -> None:
    client = await nats.connect(url)
    try:
        await client.jetstream().delete_stream(STREAM)
    except NotFoundError:
        pass
    finally:
        await client.close()


async def stored_messages(url: str) -> int:
    """Messages that JetStream keeps, taken or not."""
    client = await nats.connect(url)
    try:
        return int((await client.jetstream().stream_info(STREAM)).state.messages)
    finally:
        await client.close()

"""A probe tells that a service cannot be used; it never raises."""

import asyncio
from pathlib import Path

import pytest

from deploy.embedded.ports import HOST
from deploy.embedded.probes import http_answers, postgres_answers


@pytest.mark.parametrize("answer", [b"", b"HTT", b"HTTP/1.1 503 Busy\r\n\r\n"])
async def test_a_server_that_ends_within_its_answer_is_not_ready(answer: bytes) -> None:
    async def end_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(end_early, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await http_answers(f"http://{HOST}:{port}/")()


async def test_a_postgres_that_cannot_be_asked_is_not_ready(tmp_path: Path) -> None:
    assert not await postgres_answers(tmp_path / "missing", tmp_path)()

"""Ways to see that a service can be used."""

import asyncio
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path

from deploy.embedded.ports import HOST
from deploy.embedded.service import Probe

_HTTP_TIMEOUT_S = 3.0


def http_answers(url: str) -> Probe:
    """The server answers a GET of `url` with 200."""

    def get() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=_HTTP_TIMEOUT_S) as response:
                return bool(response.status == HTTPStatus.OK)
        except (urllib.error.URLError, OSError):
            return False

    async def probe() -> bool:
        return await asyncio.to_thread(get)

    return probe


def nats_greets(port: int) -> Probe:
    """The server sends its INFO line, which it does once JetStream is up."""

    async def probe() -> bool:
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            return False
        try:
            return (await reader.readline()).startswith(b"INFO ")
        except ConnectionError:
            return False
        finally:
            writer.close()

    return probe


def postgres_accepts(pg_isready: Path, socket_dir: Path) -> Probe:
    """PostgreSQL's own `pg_isready` says that the server accepts connections."""

    async def probe() -> bool:
        process = await asyncio.create_subprocess_exec(str(pg_isready), "-q", "-h", str(socket_dir))
        return await process.wait() == 0

    return probe


def file_exists(path: Path) -> Probe:
    """The service has written `path`."""

    async def probe() -> bool:
        return await asyncio.to_thread(path.exists)

    return probe

"""Ways to see that a service can be used."""

import asyncio
import json
import math
import urllib.request
from collections.abc import Collection
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from deploy.embedded.ports import HOST
from deploy.embedded.service import Probe

_HTTP_TIMEOUT_S = 3.0
_INFERENCE_TIMEOUT_S = 60.0
_PICTURE = (32, 32, 3)
_ACCEPTS, _REFUSES = 0, 1
"""pg_isready(1)"""


def http_answers(url: str) -> Probe:
    """The server answers a GET of `url` with 200."""
    return _answers(urllib.request.Request(url), _HTTP_TIMEOUT_S)


def triton_infers(port: int) -> Probe:
    """The ensemble finds whom it finds in a small black picture: every model has a part in it."""
    frames = {
        "name": "frames",
        "shape": [1, *_PICTURE],
        "datatype": "UINT8",
        "data": [0] * math.prod(_PICTURE),
    }
    return _answers(
        urllib.request.Request(
            f"http://{HOST}:{port}/v2/models/pose_2d/infer", json.dumps({"inputs": [frames]}).encode()
        ),
        _INFERENCE_TIMEOUT_S,
    )


def _answers(request: urllib.request.Request, timeout_s: float) -> Probe:
    """With 200, and in time."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return bool(response.status == HTTPStatus.OK)
        except (OSError, HTTPException):
            return False

    async def probe() -> bool:
        return await asyncio.to_thread(ask)

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
    return _postgres_says(pg_isready, socket_dir, {_ACCEPTS})


def postgres_answers(pg_isready: Path, socket_dir: Path) -> Probe:
    """The server accepts connections or refuses them for now: it repairs itself and must be left to it."""
    return _postgres_says(pg_isready, socket_dir, {_ACCEPTS, _REFUSES})


def _postgres_says(pg_isready: Path, socket_dir: Path, statuses: Collection[int]) -> Probe:
    """One of the exit statuses of `pg_isready`, which gives up after some seconds."""

    async def probe() -> bool:
        try:
            process = await asyncio.create_subprocess_exec(str(pg_isready), "-q", "-h", str(socket_dir))
        except OSError:
            return False
        return await process.wait() in statuses

    return probe


def file_exists(path: Path) -> Probe:
    """The service has written `path`."""

    async def probe() -> bool:
        return await asyncio.to_thread(path.exists)

    return probe

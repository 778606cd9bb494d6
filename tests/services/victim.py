"""Fixtures: an API of its own process, for tests that abuse it."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from api.uploads.tokens import new_grant, sign
from bench.usage import forget_peak, memory_mb
from tests.services.api import SECRET, http_client
from tests.services.processes import marey_process
from tests.services.rpc import RpcClient, rpc_client
from tests.services.running import free_port
from tests.services.triton import TritonServer

MAY_GROW_MB = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """An API of its own process."""

    http: httpx.Client
    """Sends an administrator's key, and so does `rpc`."""
    rpc: RpcClient
    rpc_port: int
    url: str
    pid: int
    log: Path
    objects: Path

    @property
    def rpc_address(self) -> str:
        """host:port of its gRPC server."""
        return f"127.0.0.1:{self.rpc_port}"

    def upload_path(self, *, lifetime_s: int = 600) -> str:
        """Where one package may be sent."""
        grant = new_grant(1, 1 << 30, int(time.time()) + lifetime_s)
        return f"/upload/{sign(grant, SECRET)}"


@pytest.fixture
def victim(database_url: str, tmp_path: Path) -> Iterator[Victim]:
    """Without NATS and Triton, so that nothing new begins."""
    away = {"MAREY_NATS_URL": "nats://127.0.0.1:9", "MAREY_TRITON_URL": "127.0.0.1:9"}
    with abused(database_url, tmp_path, away) as victim:
        yield victim


@pytest.fixture
def ready_victim(
    database_url: str, tmp_path: Path, nats_address: str, probe_triton: TritonServer
) -> Iterator[Victim]:
    """With all services, so that jobs and analyses begin."""
    there = {"MAREY_NATS_URL": nats_address, "MAREY_TRITON_URL": probe_triton.url}
    with abused(database_url, tmp_path, there) as victim:
        yield victim


@contextmanager
def abused(database_url: str, folder: Path, services: Mapping[str, str]) -> Iterator[Victim]:
    """A victim that must still answer at the end, has told everything in JSON and has not grown."""
    port, rpc_port = free_port(), free_port()
    environment = {
        **services,
        "MAREY_DATABASE_URL": database_url,
        "MAREY_STORE_URL": (folder / "objects").as_uri(),
        "MAREY_API_PORT": str(port),
        "MAREY_GRPC_PORT": str(rpc_port),
        "MAREY_SECRET": SECRET.decode(),
        "MAREY_ADMIN_KEY_FILE": str(folder / "api-key"),
        "MAREY_DISK_RESERVE_BYTES": "0",
    }
    url = f"http://127.0.0.1:{port}"
    with (
        marey_process("api", environment, folder) as process,
        http_client(url, key := (folder / "api-key").read_text()) as http,
        rpc_client(f"127.0.0.1:{rpc_port}", key) as rpc,
    ):
        assert http.get("/job").status_code == 200
        pid = process.process.pid
        forget_peak(pid)
        before_mb = memory_mb(pid, "VmHWM")
        yield Victim(
            http=http, rpc=rpc, rpc_port=rpc_port, url=url, pid=pid, log=process.log,
            objects=folder / "objects",
        )  # fmt: skip
        assert http.get("/job").status_code == 200
        assert memory_mb(pid, "VmHWM") - before_mb < MAY_GROW_MB
        lines = [json.loads(line) for line in process.log.read_text().splitlines()]
        assert all({"timestamp", "level", "message"} <= line.keys() for line in lines)
        assert "injected" not in {line["message"] for line in lines}

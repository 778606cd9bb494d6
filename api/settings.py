"""Settings of the API's process."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from api.uploads.service import UploadLimits
from api.uploads.tokens import SECRET_BYTES
from core.errors import ConfigurationError
from orchestrator.settings import Settings

DEFAULT_PORT = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Where the API listens and what it works on."""

    services: Settings
    upload_secret: bytes = field(repr=False)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    upload_limits: UploadLimits = field(default_factory=UploadLimits)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "ApiSettings":
        """MAREY_API_HOST, MAREY_API_PORT, MAREY_UPLOAD_SECRET, MAREY_HOME and the orchestrator's.

        Raises ConfigurationError for a value that cannot be used.
        """
        return cls(
            services=Settings.from_environment(environ),
            upload_secret=_secret(environ),
            host=environ.get("MAREY_API_HOST", "127.0.0.1"),
            port=_port(environ.get("MAREY_API_PORT", str(DEFAULT_PORT))),
        )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ConfigurationError(f"MAREY_API_PORT: expected a number from 1 to 65535, got {text!r}")


def _secret(environ: Mapping[str, str]) -> bytes:
    """The secret that signs uploads: given, which several API processes need, or kept in MAREY_HOME."""
    given = environ.get("MAREY_UPLOAD_SECRET")
    if given is None:
        return kept_secret(Path(environ.get("MAREY_HOME") or Path.home() / ".marey") / "upload-secret")
    if len(given) < SECRET_BYTES:
        raise ConfigurationError(
            f"MAREY_UPLOAD_SECRET: expected at least {SECRET_BYTES} characters, got {len(given)}"
        )
    return given.encode()


def kept_secret(path: Path) -> bytes:
    """The secret in `path`, made on first use and readable by its owner only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _read_or_make(path)
    except OSError as error:
        raise ConfigurationError(f"expected to keep a secret in {path}: {error}") from error


def _read_or_make(path: Path) -> bytes:
    """A finished file is linked into place, so that two processes agree and none reads half of it."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as sink:
            sink.write(secrets.token_bytes(SECRET_BYTES))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    secret = path.read_bytes()
    if len(secret) < SECRET_BYTES:
        raise ConfigurationError(f"expected {SECRET_BYTES} bytes in {path}, got {len(secret)}; remove it")
    return secret

"""Files with secrets that are made on first use and kept."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from core.errors import ConfigurationError


def kept_file(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of `path`, made on first use and readable by its owner only.

    Raises ConfigurationError if the file cannot be written or read.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path, make())
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"expected to keep a secret in {path}: {error}") from error


def _make(path: Path, content: bytes) -> None:
    """A finished file is linked into place, so that two processes agree and none reads half of it."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(content)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()

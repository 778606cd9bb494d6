"""What it takes to start one service of the embedded stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceCommand:
    """A foreground process: it runs until it gets `stop_signal`."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the parent's environment."""
    cwd: Path | None = None
    user: str | None = None
    """System user to run as (PostgreSQL refuses root); None keeps the caller's."""
    stop_signal: int = 15
    stop_timeout_s: float = 20.0

"""MAREY_HOME: the folder of one embedded stack, used by one stack at a time."""

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import DirectoryTakenError
from core.locks import try_lock

_LOCK_PATIENCE_S = 15.0
"""A stack that was killed needs some seconds until its services have stopped."""
_LOCK_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True)
class Home:
    """Names of the files in a stack's folder."""

    path: Path

    @property
    def logs(self) -> Path:
        """One log per service."""
        return self.path / "logs"

    @property
    def ports(self) -> Path:
        """The ports of the last run."""
        return self.path / "ports.json"

    @property
    def stack(self) -> Path:
        """Where clients find the running stack; absent while none runs."""
        return self.path / "stack.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the folder, made if need be; yields the lock's descriptor.

        Whoever inherits the descriptor holds the lock too. Raises DirectoryTakenError if another stack
        has the folder, or if it cannot be written.
        """
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DirectoryTakenError(
                f"expected a folder that can be written at {self.path}, got: {error.strerror}"
            ) from error
        try:
            self._acquire(lock)
            yield lock
        finally:
            os.close(lock)

    def _acquire(self, lock: int) -> None:
        """Take the lock and sign it with this process's id."""
        give_up_at = time.monotonic() + _LOCK_PATIENCE_S
        while not try_lock(lock):
            owner = os.pread(lock, 32, 0).decode() or "unknown"
            if _is_alive(owner) or time.monotonic() > give_up_at:
                raise DirectoryTakenError(
                    f"{self.path} is in use by another stack (process {owner}); stop that one, "
                    "or give this one a folder of its own with --home or MAREY_HOME"
                )
            time.sleep(_LOCK_INTERVAL_S)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)

    def write_stack(self, facts: dict[str, object]) -> None:
        """Publish the running stack, in one step."""
        draft = self.stack.with_suffix(".new")
        draft.write_text(json.dumps(facts, indent=2) + "\n")
        draft.replace(self.stack)


def _is_alive(pid: str) -> bool:
    return pid.isdigit() and Path("/proc", pid).exists()

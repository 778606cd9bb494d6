"""Processes that show that they live by touching a file; who does not for too long stands still. Pure but for
the look into the folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulses:
    """Where processes of a service touch files, named by their ids, several times a second."""

    folder: Path
    patience_s: float = 60.0
    """A service with a process that has not for so long is killed and started again. Longer than any call
    that holds Python's lock, as when CUDA starts on a busy machine."""

    def beats(self) -> dict[str, int]:
        """When each process did last, in nanoseconds of the clock of the file system."""
        try:
            return {file.name: file.stat().st_mtime_ns for file in self.folder.iterdir()}
        except FileNotFoundError:
            return {}


@dataclass(slots=True)
class Standstill:
    """What was seen of the processes. By the clock of whoever looks: the other one jumps."""

    patience_s: float
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    """By process: its last beat, and when that was first seen."""

    def longest(self, beats: Mapping[str, int], now_s: float) -> str | None:
        """A process that has not beaten for longer than the patience, if there is one."""
        before = self._seen
        self._seen = {
            name: before[name] if name in before and before[name][0] == beat else (beat, now_s)
            for name, beat in beats.items()
        }
        still = [name for name, (_, since_s) in self._seen.items() if now_s - since_s > self.patience_s]
        return min(still, key=lambda name: self._seen[name][1], default=None)

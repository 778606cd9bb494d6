"""What a measurement of decoding alone gives, of either decoder."""

from collections.abc import Sequence
from dataclasses import dataclass, field

BATCH = 32
"""Frames that are handed over at a time."""
_MIDDLE = (0.2, 0.6)
"""Of all batches: no thread is without a video there; at the end some are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeRate:
    """Frames per second of some threads."""

    fps: float
    """From the first to the last frame, decoders being made included."""
    middle_fps: float
    """While all threads were at work."""
    cpu_us: float
    """Processor time of the whole process per frame."""
    calls_us: dict[str, float] = field(default_factory=dict)
    """Time that a thread spends per frame within each of the driver's calls, and `rest` outside of them."""


def middle_fps(times_s: Sequence[float], batch: int) -> float:
    """Frames per second in the middle of batches, of so many frames each, that were done at these times."""
    in_order = sorted(times_s)
    first, last = (round(share * (len(in_order) - 1)) for share in _MIDDLE)
    return (last - first) * batch / (in_order[last] - in_order[first])

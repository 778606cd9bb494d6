"""Exact times: ticks of a stream's time base to nanoseconds and back."""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from core.errors import CorruptVideoError

_NS_PER_S = 1_000_000_000
_MIN_TIMESCALE_HZ = 10_000
_CONSTANT_SHARE = 0.9
_STEP_TOLERANCE = 0.1
_LOST_MIN_S = 0.1
_LOST_MIN_STEPS = 4


def ticks_to_ns(ticks: int, time_base: Fraction) -> int:
    """`ticks * time_base` seconds in whole nanoseconds, the nearest one, halves up."""
    unit = time_base.denominator
    return (2 * ticks * time_base.numerator * _NS_PER_S + unit) // (2 * unit)


def all_ticks_to_ns(ticks: NDArray[np.int64], time_base: Fraction) -> NDArray[np.int64]:
    """`ticks_to_ns` of many ticks at once. Raises CorruptVideoError for times of 292 years and more."""
    ns_per_tick = time_base * _NS_PER_S
    twice, unit = 2 * ns_per_tick.numerator, ns_per_tick.denominator
    try:
        return np.array([(twice * tick + unit) // (2 * unit) for tick in ticks.tolist()], np.int64)
    except OverflowError as error:
        raise CorruptVideoError(f"expected times within 292 years, got up to {ticks.max()} ticks") from error


def ns_to_ticks(time_ns: int, time_base: Fraction) -> int:
    """The tick nearest to `time_ns`, halves up. Undoes `ticks_to_ns` for ticks longer than 1 ns."""
    return _round_half_up(Fraction(time_ns, _NS_PER_S) / time_base)


def time_base_for(frame_rate: Fraction) -> Fraction:
    """A time base on which every frame of a constant `frame_rate` falls on a tick.

    Ticks are at most 0.1 ms, so that frames of a variable rate are off by 50 us or less.
    """
    scale = -(-_MIN_TIMESCALE_HZ // frame_rate.numerator)
    return Fraction(1, frame_rate.numerator * max(1, scale))


def fill_lost_frames(pts: NDArray[np.int64], time_base: Fraction) -> NDArray[np.int64]:
    """`pts` with frames put in where a container without an index of frames has lost some.

    Only where times are else regular (9 of 10 steps within a tenth or a tick of the middle one), and only
    in holes of at least 0.1 s and 4 frames: a camera that drops a frame has lost nothing of its file.
    A hole of more frames than were found is a damaged time rather than lost frames.
    """
    steps = np.diff(pts)
    if len(steps) < 2 * _LOST_MIN_STEPS:
        return pts
    step = float(np.median(steps))
    is_regular = np.abs(steps - step) <= max(1.0, _STEP_TOLERANCE * step)
    if is_regular.mean() < _CONSTANT_SHARE:
        return pts
    step = float(steps[is_regular].mean())
    hole = max(_LOST_MIN_S / float(time_base), _LOST_MIN_STEPS * step)
    lost = [
        np.linspace(pts[at], pts[at + 1], round(steps[at] / step) + 1)[1:-1].round().astype(np.int64)
        for at in np.flatnonzero((steps >= hole) & (steps <= len(pts) * step))
    ]
    return np.union1d(pts, np.concatenate(lost)) if lost else pts


def _round_half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)

"""Exact times: ticks of a stream's time base to nanoseconds and back."""

from fractions import Fraction

_NS_PER_S = 1_000_000_000
_MIN_TIMESCALE_HZ = 10_000


def ticks_to_ns(ticks: int, time_base: Fraction) -> int:
    """`ticks * time_base` seconds in whole nanoseconds, the nearest one, halves up."""
    return _round_half_up(Fraction(ticks) * time_base * _NS_PER_S)


def ns_to_ticks(time_ns: int, time_base: Fraction) -> int:
    """The tick nearest to `time_ns`, halves up. Undoes `ticks_to_ns` for ticks longer than 1 ns."""
    return _round_half_up(Fraction(time_ns, _NS_PER_S) / time_base)


def time_base_for(frame_rate: Fraction) -> Fraction:
    """A time base on which every frame of a constant `frame_rate` falls on a tick.

    Ticks are at most 0.1 ms, so that frames of a variable rate are off by 50 us or less.
    """
    scale = -(-_MIN_TIMESCALE_HZ // frame_rate.numerator)
    return Fraction(1, frame_rate.numerator * max(1, scale))


def _round_half_up(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CorruptVideoError
from ingest.times import all_ticks_to_ns, fill_lost_frames, ns_to_ticks, ticks_to_ns, time_base_for

time_bases = st.builds(Fraction, st.integers(1, 1001), st.integers(1, 1_000_000)).filter(
    lambda base: base > Fraction(1, 500_000_000)
)
frame_rates = st.builds(Fraction, st.integers(1, 240_000), st.integers(1, 1001)).filter(
    lambda rate: 1 <= rate <= 1000
)


@given(st.integers(-(10**12), 10**12), time_bases)
def test_ticks_survive_nanoseconds(ticks: int, time_base: Fraction) -> None:
    assert ns_to_ticks(ticks_to_ns(ticks, time_base), time_base) == ticks


@given(st.integers(-(10**12), 10**12), time_bases)
def test_nanoseconds_are_the_nearest(ticks: int, time_base: Fraction) -> None:
    exact = ticks * time_base * 10**9
    assert abs(ticks_to_ns(ticks, time_base) - exact) <= Fraction(1, 2)


@given(st.lists(st.integers(-(10**6), 10**6), max_size=20), time_bases)
def test_many_ticks_are_as_one_by_one(ticks: list[int], time_base: Fraction) -> None:
    expected = [ticks_to_ns(tick, time_base) for tick in ticks]
    assert all_ticks_to_ns(np.array(ticks, np.int64), time_base).tolist() == expected


def test_times_that_no_clock_counts_are_refused() -> None:
    with pytest.raises(CorruptVideoError, match="within 292 years, got up to 10000000000 ticks"):
        all_ticks_to_ns(np.array([0, 10**10]), Fraction(1))


def test_halves_go_up() -> None:
    assert [ticks_to_ns(ticks, Fraction(1, 2 * 10**9)) for ticks in (-1, 1, 3)] == [0, 1, 2]


@given(frame_rates, st.integers(0, 10**6))
def test_frames_of_a_constant_rate_fall_on_ticks(frame_rate: Fraction, index: int) -> None:
    time_base = time_base_for(frame_rate)
    assert (index / frame_rate / time_base).denominator == 1
    assert time_base <= Fraction(1, 10_000)


@given(
    st.integers(40, 200),
    st.integers(1, 5000),
    st.integers(10, 30),
    st.integers(4, 30),
    st.integers(-100, 100),
)
def test_lost_frames_are_put_back(frames: int, step: int, first: int, lost: int, start: int) -> None:
    whole = start + step * np.arange(frames + lost)
    holed = np.delete(whole, np.arange(first, first + lost))
    np.testing.assert_array_equal(fill_lost_frames(holed, Fraction(1, 5 * step)), whole)


@pytest.mark.parametrize(
    "pts",
    [
        np.arange(50) * 33,
        np.delete(np.arange(50) * 33, [20, 21]),
        np.array([0, 33, 66, 2000]),
        np.cumsum(np.array([20, 50, 35, 2000] * 20)),
        np.append(np.arange(50) * 33, 10**12),
    ],
    ids=["whole", "two dropped", "too few to tell", "variable rate", "a damaged time"],
)
def test_nothing_is_made_up(pts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    np.testing.assert_array_equal(fill_lost_frames(pts, Fraction(1, 1000)), pts)

"""The rate of decoding while all threads are at work."""

import pytest

from bench.decode_rate import middle_fps


def test_a_slow_start_and_a_slow_end_do_not_count() -> None:
    steady = [10 + number * 0.01 for number in range(100)]
    times_s = [5.0, *steady, 20.0, 30.0, 40.0]
    assert middle_fps(times_s[::-1], 32) == pytest.approx(3200)

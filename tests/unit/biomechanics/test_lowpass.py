"""The filter against its formula."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biomechanics.lowpass import LEAST_SAMPLES, MOST_CUTOFF, low_passed, lowpass_kernel

RATES = st.floats(20, 500)
SHARES = st.floats(0.01, MOST_CUTOFF)
"""Cutoffs against the rate."""


def gain(frequency_hz: float, cutoff_hz: float, sampling_hz: float) -> float:
    """Butterworth's of order 2 twice, by the bilinear transform."""
    ratio = np.tan(np.pi * frequency_hz / sampling_hz) / np.tan(np.pi * cutoff_hz / sampling_hz)
    return float(1 / (1 + ratio**4))


def wave(
    frequency_hz: float, sampling_hz: float, samples: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    times_s = np.arange(samples) / sampling_hz
    return 100 * np.cos(2 * np.pi * frequency_hz * times_s)[:, None]


@given(RATES, SHARES, st.floats(0.0, 0.49))
def test_waves_keep_their_phase_and_are_weakened_as_the_formula_says(
    sampling_hz: float, cutoff_share: float, share: float
) -> None:
    cutoff_hz, frequency_hz = cutoff_share * sampling_hz, share * sampling_hz
    kernel = lowpass_kernel(cutoff_hz, sampling_hz)
    reach = len(kernel) // 2
    before = wave(frequency_hz, sampling_hz, 2 * reach + 40)
    after = low_passed(before, kernel)
    inside = slice(reach, -reach)
    expected = gain(frequency_hz, cutoff_hz, sampling_hz) * before[inside]
    np.testing.assert_allclose(after[inside], expected, atol=1e-4)


def test_the_gain_at_the_cutoff_is_one_half() -> None:
    assert gain(6, 6, 30) == pytest.approx(0.5)
    response = np.abs(np.fft.fft(lowpass_kernel(6, 30), 3000))
    assert response[600] == pytest.approx(0.5, abs=1e-6)
    assert response[0] == pytest.approx(1)
    assert response[1200] < 0.01


@given(RATES, SHARES, st.integers(2, 60), st.floats(-1e4, 1e4), st.floats(-50, 50))
def test_straight_motion_stays_straight(
    sampling_hz: float, cutoff_share: float, samples: int, start: float, slope: float
) -> None:
    kernel = lowpass_kernel(cutoff_share * sampling_hz, sampling_hz)
    level = np.full((samples, 2), start)
    np.testing.assert_allclose(low_passed(level, kernel), level, atol=1e-6)
    line = start + slope * np.arange(max(samples, len(kernel)))[:, None]
    np.testing.assert_allclose(low_passed(line, kernel), line, atol=1e-4)


@given(RATES, SHARES, st.integers(2, 200), st.integers(0, 2**32 - 1))
def test_backwards_is_the_same(sampling_hz: float, cutoff_share: float, samples: int, seed: int) -> None:
    kernel = lowpass_kernel(cutoff_share * sampling_hz, sampling_hz)
    assert len(kernel) >= 2 * LEAST_SAMPLES + 1
    series = np.random.default_rng(seed).normal(0, 100, (samples, 2))
    np.testing.assert_allclose(low_passed(series[::-1], kernel), low_passed(series, kernel)[::-1], atol=1e-9)

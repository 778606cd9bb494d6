"""A low-pass filter without phase shift: Butterworth's of second order, forwards and backwards.

Both passes together are one convolution, with the autocorrelation of the filter's impulse response. So a
piece of a series needs its neighbours only, as far as that reaches, and is then what it is in the whole.
"""

import math

import numpy as np
from numpy.typing import NDArray

_NEGLIGIBLE = 1e-9
"""The response ends where its envelope is below this share of its height: 1e-5 px of 10,000 px."""
LEAST_SAMPLES = 10
"""Shorter series are left as they are, as Pose2Sim and Sports2D do."""
LEAST_CUTOFF, MOST_CUTOFF = 0.001, 0.49
"""Of the sampling rate. Nearer to 0 or to its half the response is endless: 1e10 samples for 15 Hz at
30.00000001 Hz."""


def lowpass_kernel(cutoff_hz: float, sampling_hz: float) -> NDArray[np.float64]:
    """The filter's weights, float64 [2 * reach + 1], symmetric, of sum 1.

    The cutoff is from `LEAST_CUTOFF` to `MOST_CUTOFF` of the rate.

    The design is the bilinear transform of Butterworth's filter with the cutoff prewarped (A. V. Oppenheim
    and R. W. Schafer, "Discrete-Time Signal Processing", chapter 7). Over both passes the gain at the cutoff
    is 1/2 (-6 dB), as in `scipy.signal.filtfilt(*butter(2, ...))` and in Sports2D; it is not corrected.
    """
    warped = math.tan(math.pi * cutoff_hz / sampling_hz)
    norm = 1 + math.sqrt(2) * warped + warped**2
    feedback_1, feedback_2 = 2 * (warped**2 - 1) / norm, (1 - math.sqrt(2) * warped + warped**2) / norm
    # The poles are a conjugate pair: their radius is the root of the last coefficient.
    reach = max(LEAST_SAMPLES, math.ceil(2 * math.log(_NEGLIGIBLE) / math.log(feedback_2)))
    response = np.zeros(reach + 1)
    response[:3] = np.array([1, 2, 1]) * warped**2 / norm
    for at in range(1, len(response)):
        response[at] -= feedback_1 * response[at - 1] + (feedback_2 * response[at - 2] if at > 1 else 0)
    kernel = np.correlate(response, response, "full")
    return kernel / kernel.sum()


def low_passed(samples: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Series of samples [T, C] at one rate, filtered; T is at least 2.

    Beyond its ends a series goes on turned about its last sample, as far as it has samples, then level.
    """
    extended = _extended(samples, len(kernel) // 2)
    return np.stack([np.convolve(series, kernel, "valid") for series in extended.T], axis=-1)


def _extended(samples: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    turned = min(reach, len(samples) - 1)
    before = 2 * samples[:1] - samples[turned:0:-1]
    after = 2 * samples[-1:] - samples[-2 : -turned - 2 : -1]
    level = reach - turned
    return np.pad(np.concatenate([before, samples, after]), ((level, level), (0, 0)), mode="edge")

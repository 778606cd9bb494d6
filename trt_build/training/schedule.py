"""Learning rate by the wall clock, and the moving average of the weights."""

import copy
import math
import time

import torch
from torch import nn

WARM_UP_SHARE = 0.03
LAST_LR_SHARE = 0.005


def learning_rate(progress: float, peak: float) -> float:
    """Linear warm-up, then a cosine to nearly nothing; progress 0..1."""
    if progress < WARM_UP_SHARE:
        return peak * max(progress / WARM_UP_SHARE, 0.01)
    share = min((progress - WARM_UP_SHARE) / (1 - WARM_UP_SHARE), 1.0)
    return peak * (LAST_LR_SHARE + (1 - LAST_LR_SHARE) * 0.5 * (1 + math.cos(math.pi * share)))


class Clock:
    """How much of the allowed time has gone."""

    def __init__(self, seconds: float) -> None:
        self._start, self._seconds = time.monotonic(), seconds

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    @property
    def progress(self) -> float:
        """Share of the time gone, 1 at the end."""
        return self.elapsed_s / self._seconds


class Average:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay, self._steps = decay, 0

    def update(self, network: nn.Module) -> None:
        """Take in the weights after a step; the average is short at first."""
        with torch.no_grad():
            self._steps += 1
            decay = min(self._decay, self._steps / (self._steps + 10))
            own = [t for t in self.network.state_dict().values() if t.is_floating_point()]
            new = [t for t in network.state_dict().values() if t.is_floating_point()]
            torch._foreach_lerp_(own, new, 1 - decay)

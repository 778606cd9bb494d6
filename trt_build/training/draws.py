"""Seeded random tensors of one device, by range and by chance."""

from collections.abc import Sequence

import torch
from torch import Tensor

Size = tuple[int, ...]


class Draws:
    """A stream of random numbers; the same seed and calls give the same tensors on the same device."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self.device = device
        self._generator = torch.Generator(device=device).manual_seed(seed)

    def uniform(self, size: Size, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Float32 in [low, high)."""
        return low + (high - low) * torch.rand(size, generator=self._generator, device=self.device)

    def log_uniform(self, size: Size, low: float, high: float) -> Tensor:
        """Float32 whose logarithm is uniform between those of `low` and `high`."""
        return low * (high / low) ** self.uniform(size)

    def normal(self, size: Size, sigma: float = 1.0) -> Tensor:
        """Gaussian float32 of mean 0."""
        return sigma * torch.randn(size, generator=self._generator, device=self.device)

    def integers(self, size: Size, below: int) -> Tensor:
        """Int64 in [0, below)."""
        return torch.randint(below, size, generator=self._generator, device=self.device)

    def chance(self, size: Size, probability: float) -> Tensor:
        """Booleans, true with `probability`."""
        return torch.rand(size, generator=self._generator, device=self.device) < probability

    def choice(self, size: Size, weights: Sequence[float]) -> Tensor:
        """Int64 indices drawn in proportion to `weights`."""
        share = torch.tensor(weights, device=self.device).cumsum(0)
        drawn = self.uniform(size) * share[-1]
        return torch.searchsorted(share, drawn.contiguous()).clamp(max=len(weights) - 1)

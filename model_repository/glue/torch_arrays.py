"""The glue's array functions on PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model_repository.glue.pixel_arrays import Device, Sample, sample

LIKELY_MAX = 512
"""Rows per picture that are fetched at first: many more than a picture of sixteen people has above 0.25."""


def torch_arrays(device: torch.device, sample: Sample = sample) -> Device:
    """PyTorch's arrays on a device, perhaps with a way of its own to sample pixels."""
    return Device(
        namespace=torch,
        upload=lambda array: torch.as_tensor(array, device=device),
        download=lambda array: array.cpu().numpy(),
        sample=sample,
    )


def likely_rows(predictions: Tensor, score_min: float, most: int = LIKELY_MAX) -> NDArray[np.float32]:
    """Predictions [N, A, 5] -> the `most` best of each picture [N, A', 5], in their old order.

    All of them where that leaves out one of at least `score_min`. NaN counts as the best, so it stays.
    """
    count = min(most, predictions.shape[1])
    best = predictions[..., 4].topk(count, dim=1).indices.sort(dim=1).values
    rows = predictions.gather(1, best[..., None].expand(-1, -1, predictions.shape[2])).cpu().numpy()
    if count < predictions.shape[1] and (rows[..., 4].min(axis=1) >= score_min).any():
        return predictions.cpu().numpy()
    return rows

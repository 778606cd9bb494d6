"""The pose network's targets and loss (Gaussian heatmaps, squared error) and the decoding to score them."""

import torch
from torch import Tensor

STRIDE_PX = 4
SIGMA_SHARE = 2 / 64
"""Spread over the heatmap's height: 2 cells at 256x192, as in HRNet's experiments/coco/hrnet."""


def target_heatmaps(joints_px: Tensor, size_hw: tuple[int, int]) -> Tensor:
    """Heatmaps [N, K, H, W] with peaks of 1 at joints [N, K, 2] (crop pixels, first pixel's centre at 0)."""
    height, width = size_hw
    cells = joints_px / STRIDE_PX
    sigma = max(SIGMA_SHARE * height, 1.2)
    x = torch.arange(width, device=joints_px.device) - cells[..., :1]
    y = torch.arange(height, device=joints_px.device) - cells[..., 1:]
    across, down = (torch.exp(-(d**2) / (2 * sigma**2)) for d in (x, y))
    return down[..., :, None] * across[..., None, :]


def pose_loss(heatmaps: Tensor, joints_px: Tensor, weights: Tensor, peak_weight: float = 0.0) -> Tensor:
    """Mean squared error over joints that lie in the picture; weights [N, K].

    The error at a peak counts `1 + peak_weight` times: a short training else spends itself on empty heatmaps.
    """
    target = target_heatmaps(joints_px, (heatmaps.shape[2], heatmaps.shape[3]))
    error = ((heatmaps.float() - target) ** 2 * (1 + peak_weight * target)).mean((2, 3))
    return (error * weights).sum() / weights.sum().clamp(min=1)


def peaks(heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Joints [N, K, 2] in crop pixels and scores [N, K], by the official rule: the maximum, a quarter on."""
    height, width = heatmaps.shape[2:]
    score, flat = heatmaps.flatten(2).max(-1)
    y, x = flat // width, flat % width
    padded = torch.nn.functional.pad(heatmaps, (1, 1, 1, 1)).flatten(2)

    def at(dy: int, dx: int) -> Tensor:
        place = (y + 1 + dy) * (width + 2) + x + 1 + dx
        return padded.gather(2, place[..., None])[..., 0]

    inner = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    shift = torch.stack([at(0, 1) - at(0, -1), at(1, 0) - at(-1, 0)], -1).sign() * inner[..., None]
    return STRIDE_PX * (torch.stack([x, y], -1) + 0.25 * shift), score

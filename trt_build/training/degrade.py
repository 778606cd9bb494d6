"""From clean linear light to what a camera and a codec leave: exposure, blur, noise, blocks."""

import torch
from torch import Tensor
from torch.nn import functional

from trt_build.training.draws import Draws

DISPLAY_GAMMA = 2.2
_BLUR_RADIUS = 5
_SCALES = (1.0, 1.0, 1.0, 0.85, 0.7, 0.55, 0.4, 0.28)
"""Resolution of the source relative to the picture."""

_LUMA_TABLE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""JPEG's example luminance table (ITU T.81, table K.1)."""

_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def _per_picture(draws: Draws, count: int, low: float, high: float) -> Tensor:
    return draws.uniform((count, 1, 1, 1), low, high)


def degrade(linear: Tensor, draws: Draws, spoilt_share: float = 1.0) -> Tensor:
    """Pictures [B, 3, h, w] of linear light as whole numbers 0..255 (float32), each spoilt in its own way.

    The rest, beyond `spoilt_share`, is as a good camera would show it.
    """
    picture = linear.clamp(0, 1) ** (1 / DISPLAY_GAMMA)
    chosen = draws.chance((len(linear),), spoilt_share).nonzero()[:, 0]
    if len(chosen):
        picture[chosen] = _spoilt(linear[chosen], draws)
    return (picture * 255).round().clamp(0, 255)


def _spoilt(linear: Tensor, draws: Draws) -> Tensor:
    count = len(linear)
    exposure = torch.exp(draws.normal((count, 1, 1, 1), 0.35))
    balance = torch.exp(draws.normal((count, 3, 1, 1), 0.07))
    light = blurred((linear * exposure * balance).clamp(0, 4), blur_kernels(count, draws))
    picture = light.clamp(0, 1) ** (1 / _per_picture(draws, count, 1.7, 2.6))
    picture = _graded(picture, draws)
    picture = _resampled(picture, draws)
    picture = _noisy(picture, draws)
    return _blocky(picture, draws)


def blur_kernels(count: int, draws: Draws) -> Tensor:
    """Kernels [B, k, k] that sum to 1: none, defocus or motion along a line."""
    axis = torch.arange(-_BLUR_RADIUS, _BLUR_RADIUS + 1, device=draws.device, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    angle = draws.uniform((count, 1, 1), 0, torch.pi)
    along, across = x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()
    narrow = draws.log_uniform((count, 1, 1), 0.25, 1.3)
    long = draws.log_uniform((count, 1, 1), 0.3, 3.5)
    moving = draws.chance((count, 1, 1), 0.3)
    stretch = torch.where(moving, torch.maximum(long, narrow), narrow)
    kernel = torch.exp(-0.5 * ((along / stretch) ** 2 + (across / narrow) ** 2))
    return kernel / kernel.sum((1, 2), keepdim=True)


def blurred(pictures: Tensor, kernel: Tensor) -> Tensor:
    """Each picture [B, 3, h, w] under its own kernel [B, k, k]."""
    count, channels, height, width = pictures.shape
    radius = kernel.shape[1] // 2
    padded = functional.pad(pictures, (radius,) * 4, mode="replicate")
    weights = kernel[:, None].repeat_interleave(channels, 0)
    flat = padded.reshape(1, count * channels, *padded.shape[2:])
    return functional.conv2d(flat, weights, groups=count * channels).reshape(count, channels, height, width)


def _graded(picture: Tensor, draws: Draws) -> Tensor:
    """Contrast, brightness, saturation; a few pictures turn grey."""
    count = len(picture)
    grey = picture.mean(1, keepdim=True)
    saturation = torch.where(draws.chance((count, 1, 1, 1), 0.05), 0.0, _per_picture(draws, count, 0.5, 1.4))
    coloured = grey + (picture - grey) * saturation
    middle = picture.mean((1, 2, 3), keepdim=True)
    contrast = _per_picture(draws, count, 0.6, 1.35)
    return ((coloured - middle) * contrast + middle + draws.normal((count, 1, 1, 1), 0.05)).clamp(0, 1)


def _resampled(picture: Tensor, draws: Draws) -> Tensor:
    """Each picture through one of the lower resolutions and back."""
    size = picture.shape[2:]
    kind = draws.integers((len(picture),), len(_SCALES))
    out = picture.clone()
    for k, scale in enumerate(_SCALES):
        rows = (kind == k).nonzero()[:, 0]
        if scale < 1 and len(rows):
            small = (int(size[0] * scale), int(size[1] * scale))
            low = functional.interpolate(picture[rows], small, mode="bilinear", antialias=True)
            out[rows] = functional.interpolate(low, size, mode="bilinear")
    return out


def _noisy(picture: Tensor, draws: Draws) -> Tensor:
    count = len(picture)
    sigma = _per_picture(draws, count, 0, 1) ** 3 * 0.07
    grain = draws.normal(tuple(picture.shape)) * sigma
    return (picture + grain * (0.4 + picture)).clamp(0, 1)


def _cosines(device: torch.device) -> Tensor:
    """Orthonormal 8-point DCT-II."""
    k = torch.arange(8, device=device)
    basis = torch.cos(torch.pi * (k[None] + 0.5) * k[:, None] / 8) * 0.5
    basis[0] *= 0.5**0.5
    return basis


def _blocky(picture: Tensor, draws: Draws) -> Tensor:
    """JPEG-like quantisation of 8x8 blocks, coarser for colour; some pictures stay whole."""
    count = len(picture)
    to_ycc = torch.tensor(_TO_YCC, device=picture.device)
    ycc = torch.einsum("oc,bchw->bohw", to_ycc, picture * 255)
    strength = draws.log_uniform((count, 1, 1, 1), 0.1, 2.2)
    strength = torch.where(draws.chance((count, 1, 1, 1), 0.3), 0.02, strength)
    table = torch.tensor(_LUMA_TABLE, device=picture.device).float().reshape(8, 8)
    weight = torch.tensor([1.0, 1.8, 1.8], device=picture.device)[:, None, None]
    step = (table * weight)[None, :, None, :, None, :] * strength[..., None, None]
    basis = _cosines(picture.device)
    height, width = picture.shape[2:]
    blocks = ycc.reshape(count, 3, height // 8, 8, width // 8, 8)
    spectrum = torch.einsum("ur,bcyrxs,vs->bcyuxv", basis, blocks, basis)
    step = step.reshape(count, 3, 1, 8, 1, 8)
    spectrum = (spectrum / step).round() * step
    back = torch.einsum("ur,bcyuxv,vs->bcyrxs", basis, spectrum, basis).reshape(ycc.shape)
    return (torch.einsum("oc,bchw->bohw", torch.linalg.inv(to_ycc), back) / 255).clamp(0, 1)

"""Random light and procedural backdrops: sky, walls, textured ground, flat shapes, shadows, a sun."""

import torch
from torch import Tensor
from torch.nn import functional

from trt_build.training import kernels
from trt_build.training.cameras import Cameras
from trt_build.training.drawing import LIGHT_SIZE
from trt_build.training.draws import Draws

VIEW_SIZE = 40
SHAPE_SIZE = 16
SHAPES = 14
"""Random flat shapes per picture, before the shadows."""
STANDS_SHARE = 0.22
"""Pictures with a strip of spectators; without them a detector takes spectators for athletes."""
CROWD = 8
"""The spectators' pattern in kernels.cu."""


def random_lights(cameras: Cameras, draws: Draws) -> Tensor:
    """Lights [B, 16] (see kernels.cu): one directional light and an ambient one from above and below."""
    count = len(cameras.focal_px)
    lights = torch.zeros((count, LIGHT_SIZE), device=draws.device)
    direction = draws.normal((count, 3))
    direction[:, 1] = direction[:, 1].abs() + 0.2
    direction = functional.normalize(direction, dim=1)
    up = torch.tensor([0.0, 1.0, 0.0], device=draws.device).expand(count, 3)
    everyone = torch.arange(count, device=draws.device)
    lights[:, 0:3] = cameras.turn(direction[:, None], everyone)[:, 0]
    warm = torch.exp(draws.normal((count, 3), 0.12))
    lights[:, 3:6] = draws.uniform((count, 1), 0, 1.4) * warm
    sky = draws.uniform((count, 1), 0.2, 0.9) * torch.exp(draws.normal((count, 3), 0.1))
    lights[:, 6:9] = sky
    lights[:, 9:12] = sky * draws.uniform((count, 1), 0.2, 0.9)
    lights[:, 12:15] = cameras.turn(up[:, None], everyone)[:, 0]
    backlit = draws.chance((count,), 0.1)
    gain = torch.where(backlit, draws.log_uniform((count,), 0.03, 0.3), draws.log_uniform((count,), 0.6, 1.5))
    lights[:, 15] = gain
    return lights.contiguous()


def _two_tones(draws: Draws, count: int) -> Tensor:
    """Pairs of colours [B, 2, 3], mostly muted, the second often near the first."""
    value = draws.uniform((count, 2, 1)) ** 1.3
    tint = draws.uniform((count, 2, 3))
    vivid = draws.uniform((count, 2, 1)) ** 2
    colours = value * (1 - vivid) + tint * vivid
    close = draws.chance((count,), 0.5)[:, None]
    second = torch.where(close, colours[:, 0] * draws.uniform((count, 1), 0.5, 1.5), colours[:, 1])
    return torch.stack([colours[:, 0], second], 1).clamp(0.01, 1.2)


def _views(cameras: Cameras, has_ground: Tensor, draws: Draws) -> Tensor:
    count = len(has_ground)
    view = torch.zeros((count, VIEW_SIZE), device=draws.device)
    view[:, 0], view[:, 1:3] = cameras.focal_px, cameras.centre_px
    view[:, 3:12] = cameras.rotation.flatten(1)
    view[:, 12] = cameras.position[:, 1].clamp(min=0.05)
    view[:, 13] = has_ground.float()
    view[:, 14] = draws.uniform((count,), 0, 999)
    view[:, 15] = (draws.chance((count,), 0.5) | ~has_ground).float()
    view[:, 16:22] = _two_tones(draws, count).flatten(1)
    view[:, 22] = draws.log_uniform((count,), 0.7, 25)
    view[:, 23] = draws.choice((count,), (4, 1, 1, 0.7, 1.5, 1, 1, 1, 1, 5)).float()
    view[:, 24:30] = _two_tones(draws, count).flatten(1)
    view[:, 30] = draws.choice((count,), (4, 2, 1, 1, 1, 1, 1.5, 1, 0, 2)).float()
    view[:, 31] = draws.log_uniform((count,), 0.2, 6)
    view[:, 32] = draws.log_uniform((count,), 0.002, 0.05)
    view[:, 33] = draws.uniform((count,), 0.4, 0.95)
    sunny = draws.chance((count,), 0.15)
    sun = draws.normal((count, 3), 0.25)
    sun[:, 2] = 1
    view[:, 34:37] = functional.normalize(sun, dim=1)
    view[:, 37] = sunny * draws.uniform((count,), 0.5, 4)
    view[:, 38] = draws.log_uniform((count,), 15, 2000)
    view[:, 39] = draws.chance((count,), 0.6) * draws.log_uniform((count,), 0.05, 1)
    return view.contiguous()


def _flat_shapes(extent_px: Tensor, draws: Draws) -> Tensor:
    """Boxes, ellipses and bands [B, SHAPES, 16] over pictures of size [B, 2]."""
    size = (len(extent_px), SHAPES)
    scale = extent_px.amax(1)[:, None]
    out = torch.zeros((*size, SHAPE_SIZE), device=draws.device)
    busy = draws.uniform((size[0], 1))
    kind = draws.choice(size, (0, 4, 2, 2.5))
    out[..., 0] = torch.where(draws.uniform(size) < busy, kind, 0).float()
    out[..., 1:3] = draws.uniform((*size, 2)) * extent_px[:, None]
    out[..., 3] = draws.log_uniform(size, 0.01, 0.5) * scale
    out[..., 4] = draws.log_uniform(size, 0.004, 0.4) * scale
    band = out[..., 0] == 3
    out[..., 4] = torch.where(band, draws.log_uniform(size, 0.001, 0.03) * scale, out[..., 4])
    angle = torch.where(draws.chance(size, 0.6), draws.normal(size, 0.05), draws.uniform(size, -1.6, 1.6))
    angle = angle + draws.chance(size, 0.3) * (torch.pi / 2)
    out[..., 5], out[..., 6] = angle.cos(), angle.sin()
    out[..., 7:10] = _two_tones(draws, size[0] * size[1])[:, 0].reshape(*size, 3)
    out[..., 10] = torch.where(draws.chance(size, 0.7), 1.0, draws.uniform(size, 0.3, 1))
    out[..., 11] = draws.choice(size, (5, 1, 1, 1, 1, 2, 1, 1, 0.7, 3)).float()
    out[..., 12] = draws.log_uniform(size, 2, 60) / scale
    out[..., 13] = draws.log_uniform(size, 0.7, 6)
    out[..., 14] = draws.uniform(size, 0.4, 1.6)
    out[..., 15] = draws.uniform(size, 0, 99)
    return out


def _stands(extent_px: Tensor, draws: Draws) -> Tensor:
    """One strip of spectators [B, 1, 16] across some of the pictures, behind all other shapes."""
    count = len(extent_px)
    side = extent_px.amax(1)
    out = torch.zeros((count, SHAPE_SIZE), device=draws.device)
    out[:, 0] = draws.chance((count,), STANDS_SHARE).float()
    out[:, 1] = draws.uniform((count,)) * extent_px[:, 0]
    out[:, 2] = draws.uniform((count,), 0, 0.7) * extent_px[:, 1]
    out[:, 3] = side * torch.where(draws.chance((count,), 0.7), 2.0, draws.uniform((count,), 0.1, 0.6))
    out[:, 4] = side * draws.log_uniform((count,), 0.04, 0.3)
    tilt = draws.normal((count,), 0.04)
    out[:, 5], out[:, 6] = tilt.cos(), tilt.sin()
    out[:, 7:10] = _two_tones(draws, count)[:, 0]
    out[:, 10] = 1
    out[:, 11] = CROWD
    out[:, 12] = 100 / side / draws.log_uniform((count,), 0.8, 8)
    out[:, 13] = 1
    out[:, 14] = draws.uniform((count,), 0.4, 1.6)
    out[:, 15] = draws.uniform((count,), 0, 9999)
    return out[:, None]


def shadows(feet_px: Tensor, height_px: Tensor, draws: Draws) -> Tensor:
    """Soft dark ellipses [I, 16] under people whose feet are at [I, 2] and who are [I] pixels tall."""
    count = len(feet_px)
    out = torch.zeros((count, SHAPE_SIZE), device=draws.device)
    out[:, 0] = draws.chance((count,), 0.75) * 2.0
    length = height_px * draws.log_uniform((count,), 0.12, 0.9)
    angle = draws.normal((count,), 0.35)
    out[:, 1] = feet_px[:, 0] + angle.cos() * length * draws.uniform((count,), -0.8, 0.8)
    out[:, 2] = feet_px[:, 1]
    out[:, 3] = length
    out[:, 4] = height_px * draws.uniform((count,), 0.03, 0.12)
    out[:, 5], out[:, 6] = angle.cos(), angle.sin()
    out[:, 10] = -draws.uniform((count,), 0.2, 0.8)
    out[:, 12] = 1
    out[:, 13] = (height_px * draws.uniform((count,), 0.01, 0.15)).clamp(min=1)
    return out


def paint(
    cameras: Cameras, has_ground: Tensor, size_hw: tuple[int, int], shade_shapes: Tensor, draws: Draws
) -> Tensor:
    """Backdrops [B, 3, h, w], linear light; shade_shapes [B, n, 16] lie on top of all else."""
    height, width = size_hw
    count = len(has_ground)
    extent = torch.tensor([width, height], device=draws.device).expand(count, 2)
    shapes = torch.cat([_stands(extent, draws), _flat_shapes(extent, draws), shade_shapes], 1).contiguous()
    out = torch.empty((count, 3, height, width), device=draws.device)
    view = _views(cameras, has_ground, draws)
    kernels.start("paint", view, shapes, out, shapes.shape[1], height, width, count=count * height * width)
    return out

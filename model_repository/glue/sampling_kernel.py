"""Sampling of pixels as one kernel in the Triton language (a compiler; it comes with PyTorch for CUDA)."""

from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl
from numpy.typing import NDArray
from torch import Tensor

from model_repository.glue.pixel_arrays import Device

PIXELS_PER_PROGRAM = 512
CHANNELS = 3


def sample(
    device: Device,
    frames: Tensor,
    pictures: NDArray[np.int32] | NDArray[np.int64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
) -> Tensor:
    """As `pixel_arrays.sample`; what it needs beside the frames travels to the GPU in one small copy."""
    count, height, width = len(pictures), y.shape[1], x.shape[1]
    places = np.concatenate([pictures[:, None], y, x], axis=1, dtype=np.float32)
    images = torch.empty((count, height, width, CHANNELS), dtype=torch.uint8, device=frames.device)
    if count:
        grid = (count, triton.cdiv(height * width, PIXELS_PER_PROGRAM))
        frames = frames.contiguous()
        _sample[grid](
            frames, device.upload(places), images, *frames.shape[1:3], height, width, PIXELS_PER_PROGRAM
        )
    return images


# Every size of picture would otherwise be a kernel of its own, compiled while its frames wait.
@triton.jit(do_not_specialize=["old_height", "old_width", "height", "width"])  # type: ignore[untyped-decorator]
def _sample(frames, places, images, old_height, old_width, height, width, PIXELS: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803, PLR0913
    picture = tl.program_id(0).to(tl.int64)
    pixel = tl.program_id(1) * PIXELS + tl.arange(0, PIXELS)
    valid = pixel < height * width
    place = places + picture * (1 + height + width)
    frame = tl.load(place).to(tl.int64)
    y = tl.load(place + 1 + pixel // width, mask=valid, other=0.0)
    x = tl.load(place + 1 + height + pixel % width, mask=valid, other=0.0)
    top, left = tl.floor(y), tl.floor(x)
    share_y, share_x = y - top, x - left
    row, column = top.to(tl.int32), left.to(tl.int32)
    source = frames + frame * old_height * old_width * 3
    target = images + (picture * height * width + pixel) * 3
    for channel in tl.static_range(3):
        total = tl.full((PIXELS,), 0.5, tl.float32)
        for down in tl.static_range(2):
            for right in tl.static_range(2):
                r, c = row + down, column + right
                inside = valid & (r >= 0) & (r < old_height) & (c >= 0) & (c < old_width)
                weight_y = share_y if down else 1 - share_y
                weight_x = share_x if right else 1 - share_x
                value = tl.load(source + (r * old_width + c) * 3 + channel, mask=inside, other=0)
                total += value.to(tl.float32) * (weight_y * weight_x)
        tl.store(target + channel, total.to(tl.int32).to(tl.uint8), mask=valid)

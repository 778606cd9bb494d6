"""`pixels` as array operations, for whole batches on any device: NumPy or PyTorch.

Where to sample is computed in NumPy (a few hundred numbers per picture); only the gathering of pixels runs
on the device. It is exact bilinear, where OpenCV rounds its weights: they differ by a grey level or so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_repository.glue.boxes import Size, letterboxed_hw
from model_repository.glue.crops import PIXEL_CENTRE
from model_repository.glue.pixels import GREY

Array = Any
"""An array of the device in use."""


@dataclass(frozen=True, slots=True)
class Device:
    """A library of arrays and the way to it."""

    namespace: Any
    """`numpy` or `torch`."""
    upload: Callable[[Array], Array]
    """A NumPy array as one of the device's; one of the device's stays what it is."""
    download: Callable[[Array], NDArray[Any]]
    """The way back."""
    sample: "Sample"
    """As the function `sample`, which does it on every device."""


def letterbox(device: Device, frames: Array, network_hw: Size) -> Array:
    """Frames uint8 [N, H, W, 3] -> uint8 [N, *network_hw, 3]: resized at the top left, grey elsewhere."""
    count, height, width, _ = frames.shape
    fitted = letterboxed_hw((height, width), network_hw)
    y, x = (
        np.tile(_resized_positions(old, new), (count, 1))
        for old, new in zip((height, width), fitted, strict=True)
    )
    grey = device.upload(np.full((1, 1, 1, 1), GREY, dtype=np.uint8))
    images = device.namespace.tile(grey, (count, *network_hw, 3))
    images[:, : fitted[0], : fitted[1]] = device.sample(device, frames, np.arange(count), y, x)
    return images


def warp_crops(
    device: Device,
    frames: Array,
    frame_index: Sequence[int] | NDArray[np.int32],
    transforms: NDArray[np.float64],
    crop_hw: Size,
) -> Array:
    """Crops uint8 [P, *crop_hw, 3] of `transforms` [P, 2, 3] that scale and shift; black outside."""
    y, x = (
        (np.arange(size) - transforms[:, axis, 2:]) / transforms[:, axis, axis, None]
        for size, axis in zip(crop_hw, (1, 0), strict=True)
    )
    return device.sample(device, frames, np.asarray(frame_index), y, x)


def _resized_positions(old: int, new: int) -> NDArray[np.float64]:
    """Old indices, [new], at which a resized line is sampled: pixel centres meet, ends repeat."""
    positions = (np.arange(new) + PIXEL_CENTRE) * (old / new) - PIXEL_CENTRE
    return np.clip(positions, 0, old - 1)


def sample(
    device: Device,
    frames: Array,
    pictures: NDArray[np.int32] | NDArray[np.int64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
) -> Array:
    """Uint8 [P, h, w, 3]: picture `pictures[p]` where rows `y` [P, h] and columns `x` [P, w] cross."""
    _, height, width, _ = frames.shape
    picture = device.upload(pictures.astype(np.int64)[:, None, None])
    total: Array = 0
    for row, row_weight in _neighbours(y, height):
        for column, column_weight in _neighbours(x, width):
            rows, columns = device.upload(row[:, :, None]), device.upload(column[:, None, :])
            weight = device.upload((row_weight[:, :, None] * column_weight[:, None, :])[..., None])
            total = total + frames[picture, rows, columns] * weight
    return device.namespace.asarray(total + 0.5, dtype=device.namespace.uint8)


def _neighbours(
    positions: NDArray[np.float64], size: int
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Index before and after each position with its weight, 0 outside the picture."""
    before = np.floor(positions).astype(np.int64)
    share = positions - before
    return [
        (np.clip(index, 0, size - 1), np.where((index >= 0) & (index < size), weight, 0).astype(np.float32))
        for index, weight in ((before, 1 - share), (before + 1, share))
    ]


Sample = Callable[
    [Device, Array, NDArray[np.int32] | NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]], Array
]
NUMPY = Device(np, np.asarray, np.asarray, sample)

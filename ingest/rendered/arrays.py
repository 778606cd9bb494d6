"""What the geometry needs to run alike on NumPy arrays and on PyTorch tensors."""

import sys
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]
"""A NumPy array or, as far as these modules care, a tensor of any device with the same indexing."""


def namespace(array: Array) -> ModuleType:
    """The library that `array` belongs to: numpy or torch."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def _device(tensor: Array) -> object:
    device: object = tensor.__getattribute__("device")
    return device


def constant(values: ArrayLike, like: Array) -> Array:
    """`values` as an array of the library, dtype and device of `like`."""
    xp = namespace(like)
    if xp is np:
        return np.asarray(values, dtype=like.dtype)
    tensor: Array = xp.as_tensor(np.asarray(values), dtype=like.dtype, device=_device(like))
    return tensor


def indices(values: ArrayLike, like: Array) -> NDArray[np.int64]:
    """Integer indices on the device of `like`."""
    xp = namespace(like)
    if xp is np:
        return np.asarray(values, dtype=np.int64)
    tensor: NDArray[np.int64] = xp.as_tensor(np.asarray(values), dtype=xp.int64, device=_device(like))
    return tensor


def cross(a: Array, b: Array) -> Array:
    """Cross product over the last axis; `numpy.cross` and `torch.cross` broadcast differently."""
    parts = [
        a[..., (i + 1) % 3] * b[..., (i + 2) % 3] - a[..., (i + 2) % 3] * b[..., (i + 1) % 3]
        for i in range(3)
    ]
    product: Array = namespace(a).stack(parts, -1)
    return product


def unit(vectors: Array) -> Array:
    """Vectors [..., d] of length one; zero vectors stay near zero."""
    return vectors / ((vectors * vectors).sum(-1) + 1e-20)[..., None] ** 0.5

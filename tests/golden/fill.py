"""Weights and inputs of the golden references: a pure function of each state_dict key and shape, no torch.

The stream they draw from is fixed: `selfcheck` tells whether this numpy still draws it.
"""

import zlib
from collections.abc import Mapping
from math import prod, sqrt
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Golden = Mapping[str, NDArray[Any]]

CONV_GAIN = {
    "head.cls_preds": 2.0,
    "head.obj_preds": 2.0,
    "head.reg_preds": 0.7,
    "final_layer": 0.3,
}
"""Standard deviation of a convolution's weights times sqrt(fan in); 1 elsewhere."""


def _batch_norm_means(key: str) -> tuple[float, float]:
    """Mean of the scale and of the shift, by the place of the batch norm in its network."""
    parts = key.split(".")
    if parts[-2] == "bn":
        return (0.35, 0.0) if "m" in parts and "conv2" in parts else (1.2, 0.5)
    if "fuse_layers" in parts:
        return 0.35, 0.0
    if parts[-2] in ("bn2", "bn3") and len(parts) > 2:
        return 0.4, 0.0
    return 1.2, 0.0


def fill(key: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
    """The entry `key` of a state_dict: float32 [shape], or int64 zeros for num_batches_tracked."""
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    noise = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()))).standard_normal(shape)
    return _scaled(key, leaf, noise).astype(np.float32)


def _scaled(key: str, leaf: str, noise: NDArray[np.float64]) -> NDArray[np.float64]:
    if leaf == "running_var":
        return 0.5 + np.abs(noise)
    if leaf == "running_mean":
        return 0.1 * noise
    if leaf == "weight" and noise.ndim > 1:
        gain = next((gain for start, gain in CONV_GAIN.items() if key.startswith(f"{start}.")), 1.0)
        return noise * (gain / sqrt(prod(noise.shape[1:])))
    if leaf == "weight":
        return _batch_norm_means(key)[0] * (1 + 0.1 * noise)
    return _batch_norm_means(key)[1] + 0.2 * noise


def make_input(shape: tuple[int, int, int, int], seed: int = 123) -> NDArray[np.float32]:
    """A network's input [N, C, H, W]: an 8x8 grid of random patches, then noise on top."""
    generator = np.random.Generator(np.random.PCG64(seed))
    count, channels, height, width = shape
    grid = generator.standard_normal((count, channels, 8, 8))
    rows, columns = np.arange(height) * 8 // height, np.arange(width) * 8 // width
    coarse = grid[:, :, rows[:, None], columns[None, :]]
    return (coarse + 0.5 * generator.standard_normal(shape)).astype(np.float32)


def make_image(height: int, width: int, seed: int = 123) -> NDArray[np.uint8]:
    """A BGR picture [H, W, 3], smooth blobs and noise, for the references of pre- and postprocessing."""
    generator = np.random.Generator(np.random.PCG64(seed))
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.zeros((height, width, 3))
    for _ in range(12):
        centre_x, centre_y = generator.random() * width, generator.random() * height
        sigma = (0.03 + 0.17 * generator.random()) * max(height, width)
        blob = np.exp(-((x - centre_x) ** 2 + (y - centre_y) ** 2) / (2 * sigma * sigma))
        image += blob[..., None] * (255 * generator.random(3) - 60)
    image += 90 + 6 * generator.standard_normal(image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def keys_of(golden: Golden) -> dict[str, tuple[int, ...]]:
    """Key and shape of the official state_dict."""
    return {
        str(key): tuple(int(size) for size in str(shape).split(",") if size)
        for key, shape in zip(golden["keys"], golden["shapes"], strict=True)
    }


def compare(golden: Golden, name: str, value: ArrayLike) -> float:
    """Worst difference of `value` from the output `name`, in units of that output's standard deviation.

    Judged are the 200 sampled places, the mean and the standard deviation.
    """
    got = np.asarray(value, np.float64)
    expected_shape = tuple(int(size) for size in golden[f"{name}/shape"])
    assert got.shape == expected_shape, f"{name}: expected shape {expected_shape}, got {got.shape}"
    index = golden[f"{name}/index"].astype(np.int64)
    expected = golden[f"{name}/samples"].astype(np.float64)
    mean, std = float(golden[f"{name}/mean"]), float(golden[f"{name}/std"])
    errors = (np.abs(got.reshape(-1)[index] - expected).max(), abs(got.mean() - mean), abs(got.std() - std))
    return float(max(errors)) / max(std, 1e-12)


def selfcheck() -> bool:
    """Whether this numpy draws what the references were drawn with."""
    expected = (-0.0748635158, -0.907508552, 1.28419888, 0.10442321, 0.675731122, 1.10523021)
    entries = (("selfcheck.conv.weight", (2, 2, 1, 1)), ("selfcheck.bn.running_var", (2,)))
    drawn = np.concatenate([fill(key, shape).reshape(-1) for key, shape in entries])
    return bool(np.allclose(drawn.astype(np.float64), np.array(expected, np.float32), rtol=0, atol=1e-7))


def golden(name: str) -> dict[str, NDArray[Any]]:
    """The arrays of the reference file `name`.npz of this folder."""
    with np.load(Path(__file__).with_name(f"{name}.npz")) as arrays:
        return dict(arrays)

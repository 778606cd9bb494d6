"""Random pictures for grounds and backdrops, uint8 RGB."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Colour = NDArray[np.float64]


def noise(rng: np.random.Generator, size: tuple[int, int], octaves: tuple[int, ...]) -> Floats:
    """Smooth noise [height, width] of about unit spread; an octave is a number of cells across the width."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    for i, cells in enumerate(octaves):
        grid = rng.normal(0, 1, (max(cells * height // width, 1) + 1, cells + 1)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.6**i
    spread: Floats = total / max(float(total.std()), 1e-6)
    return spread


def seamless(noise_field: Floats) -> Floats:
    """The noise beside and above its mirror images, twice as wide and high,
    so that it repeats without seams."""
    wide = np.concatenate([noise_field, noise_field[:, ::-1]], axis=1)
    return np.concatenate([wide, wide[::-1]])


def tinted(base: Colour, strength: Floats, amount: float) -> Picture:
    """A plain colour (0..255) brightened by `strength` [h, w] times `amount`."""
    factor = np.maximum(1 + np.float32(amount) * strength.astype(np.float32), 0)
    picture = np.empty((*strength.shape, 3), np.uint8)
    for channel in range(3):
        picture[..., channel] = np.minimum(factor * np.float32(base[channel]), 255)
    return picture


def blend(low: Colour, high: Colour, height: int, width: int) -> Picture:
    """A vertical gradient from `high` at the top to `low` at the bottom."""
    t = np.linspace(0, 1, height)[:, None, None]
    return np.broadcast_to(high + (low - high) * t, (height, width, 3)).astype(np.uint8)


def hue_colour(
    rng: np.random.Generator, saturation: tuple[float, float], value: tuple[float, float]
) -> Colour:
    """Any hue with saturation and value from the given ranges (0..1), as 0..255."""
    hue, chroma, bright = rng.random(), rng.uniform(*saturation), rng.uniform(*value)
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    colour: Colour = 255 * bright * (1 - chroma * (1 - wheel))
    return colour


def scatter(rng: np.random.Generator, picture: Picture, count: int, rows: tuple[int, int]) -> None:
    """Blobs of random colours, such as a distant crowd, drawn in place between two rows."""
    width = picture.shape[1]
    x, y = rng.integers(0, width, count), rng.integers(rows[0], max(rows[1], rows[0] + 1), count)
    colours = rng.integers(20, 235, (count, 3))
    radii = rng.integers(2, 5, count)
    for i in range(count):
        colour = [int(value) for value in colours[i]]
        cv2.ellipse(
            picture, (int(x[i]), int(y[i])), (int(radii[i]), int(radii[i]) * 2), 0, 0, 360, colour, -1
        )
        head = [int(value) for value in (200, 160, 130)] if i % 2 else [90, 60, 45]
        cv2.circle(picture, (int(x[i]), int(y[i]) - int(radii[i]) * 2), int(radii[i]) - 1, head, -1)

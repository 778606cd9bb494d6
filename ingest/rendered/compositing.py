"""From a projected mesh to a picture: antialiasing, motion blur, defocus and noise."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.rendered.rasterizer import Fragments, rasterize
from ingest.rendered.textures import Picture

Floats = NDArray[np.float64]

_SHARP_PX = 0.8
"""Meshes that move less during the exposure are drawn once, at double resolution."""
_STEP_PX = 5.0
"""Aimed distance between the copies that make up motion blur."""
_NOISE_SHIFT = 64
_OFFSETS = ((0.0, 0.0), (-0.35, -0.12), (0.12, -0.35), (-0.12, 0.35), (0.35, 0.12), (-0.3, 0.3), (0.3, -0.3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A mesh in the picture: points are x px, y px and depth in metres."""

    points: Floats
    """[V, 3] at the middle of the exposure."""
    before: Floats
    """[V, 3] at its start."""
    after: Floats
    faces: NDArray[np.int64]
    owners: NDArray[np.int64]
    """[T] whose face it is."""
    corner_colours: NDArray[np.float32]
    """[T, 3, 3] sRGB in 0..1 with light."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the mesh leaves on the sensor, inside a part of the picture."""

    origin: tuple[int, int]
    """Left and top pixel of the part."""
    colour: NDArray[np.float32]
    """[h, w, 3] 0..255, times coverage."""
    coverage: NDArray[np.float32]
    """[h, w] 0..1"""
    owner: NDArray[np.int32]
    """[h, w] the nearest owner at the middle of the exposure, -1 for none."""
    depth_m: NDArray[np.float32]
    """[h, w] its distance, infinite where there is none."""


def _region(drawing: Drawing, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of the picture that the mesh may touch."""
    points = np.concatenate([drawing.before, drawing.points, drawing.after])
    seen = points[points[:, 2] > 0.05]
    if not len(seen):
        return 0, 0, 1, 1
    low = np.clip(np.floor(seen[:, :2].min(axis=0)) - 1, 0, np.array(size) - 1).astype(int)
    high = np.clip(np.ceil(seen[:, :2].max(axis=0)) + 1, low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _towards_camera(drawing: Drawing) -> Drawing:
    """The drawing without faces that are turned away all through the exposure."""
    facing = np.zeros(len(drawing.faces), bool)
    for points in (drawing.before, drawing.after):
        flat = points[:, :2].astype(np.float32)
        first, second, third = (flat[drawing.faces[:, corner]] for corner in range(3))
        a, b = second - first, third - first
        facing |= a[:, 0] * b[:, 1] < a[:, 1] * b[:, 0]
    return replace(
        drawing,
        faces=drawing.faces[facing],
        owners=drawing.owners[facing],
        corner_colours=drawing.corner_colours[facing],
    )


def expose(drawing: Drawing, size: tuple[int, int]) -> Exposure:
    """Draw the mesh into a picture of `size` with antialiasing and motion blur."""
    drawing = _towards_camera(drawing)
    left, top, right, bottom = _region(drawing, size)
    part = (right - left, bottom - top)
    shift = np.array([left, top, 0.0])
    moved = np.abs(drawing.after[:, :2] - drawing.before[:, :2])
    travel = float(np.percentile(np.where(drawing.points[:, 2:] > 0.3, moved, 0.0), 99.5))
    if travel < _SHARP_PX:
        doubled = (drawing.points - shift) * np.array([2, 2, 1])
        sharp = rasterize(doubled, drawing.faces, (part[0] * 2, part[1] * 2))
        nearest = _owner_map(drawing, sharp, part, scale=2)
        return _exposure((left, top), part, _gather(drawing, sharp, part, scale=2) / 4, nearest)
    copies = int(np.clip(np.ceil(travel / _STEP_PX), 3, len(_OFFSETS))) | 1
    middle = rasterize(drawing.points - shift, drawing.faces, part)
    total = _gather(drawing, middle, part, scale=1)
    for copy in range(1, copies):
        points = drawing.before + (drawing.after - drawing.before) * _moment(copy, copies)
        fragments = rasterize(points - shift + np.array([*_OFFSETS[copy], 0.0]), drawing.faces, part)
        total += _gather(drawing, fragments, part, scale=1)
    return _exposure((left, top), part, total / copies, _owner_map(drawing, middle, part, scale=1))


def _moment(copy: int, copies: int) -> float:
    """Place in the exposure, 0..1, of copies 1 to `copies` - 1; the middle belongs to copy 0."""
    place = (copies // 2 + copy) % copies
    return (place + 0.5) / copies


def _gather(drawing: Drawing, fragments: Fragments, part: tuple[int, int], scale: int) -> Floats:
    """Sum of colours (0..255) and number of samples [pixels, 4] of the part's pixels."""
    pixels = fragments.pixels
    if scale > 1:
        row, column = np.divmod(pixels, part[0] * scale)
        pixels = row // scale * part[0] + column // scale
    colours = np.clip(fragments.interpolate(drawing.corner_colours), 0.0, 1.0) * 255
    count = part[0] * part[1]
    sums = [np.bincount(pixels, weights=colours[:, i], minlength=count) for i in range(3)]
    # Where nothing was drawn, bincount gives whole numbers even for weights.
    return np.stack([*sums, np.bincount(pixels, minlength=count)], axis=1).astype(np.float64)


def _owner_map(
    drawing: Drawing, fragments: Fragments, part: tuple[int, int], scale: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Nearest owner and its depth at one sample of each pixel of the part."""
    owner, depth = np.full(part[0] * part[1], -1, np.int32), np.full(part[0] * part[1], np.inf, np.float32)
    row, column = np.divmod(fragments.pixels, part[0] * scale)
    chosen = np.flatnonzero((row % scale == scale - 1) & (column % scale == scale - 1))
    pixels = row[chosen] // scale * part[0] + column[chosen] // scale
    owner[pixels] = drawing.owners[fragments.faces[chosen]]
    depth[pixels] = 1.0 / fragments.inverse_depth[chosen]
    return owner, depth


def _exposure(
    origin: tuple[int, int],
    part: tuple[int, int],
    total: Floats,
    nearest: tuple[NDArray[np.int32], NDArray[np.float32]],
) -> Exposure:
    shape = (part[1], part[0])
    return Exposure(
        origin=origin,
        colour=total[:, :3].reshape(*shape, 3).astype(np.float32),
        coverage=total[:, 3].reshape(shape).astype(np.float32),
        owner=nearest[0].reshape(shape),
        depth_m=nearest[1].reshape(shape),
    )


def develop(background: Picture, exposure: Exposure) -> Picture:
    """The picture with the mesh over the background."""
    left, top = exposure.origin
    height, width = exposure.coverage.shape
    picture = background.copy()
    region = picture[top : top + height, left : left + width]
    blended = region * (1 - exposure.coverage[..., None]) + exposure.colour
    region[:] = np.clip(blended + 0.5, 0, 255).astype(np.uint8)
    return picture


def smear(picture: Picture, motion_px: Floats) -> Picture:
    """Blur along a straight motion of the camera."""
    length = int(np.hypot(*motion_px))
    if length < 2:
        return picture
    size = length | 1
    kernel = np.zeros((size, size), np.float32)
    half = motion_px / (2 * max(np.hypot(*motion_px), 1e-6)) * (size - 1)
    middle = (size - 1) / 2
    start, stop = np.round(middle - half).astype(int), np.round(middle + half).astype(int)
    cv2.line(kernel, start.tolist(), stop.tolist(), (1.0,), 1)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), dtype=np.uint8)


def defocus(picture: Picture, sigma_px: float) -> Picture:
    """Gaussian blur; none below a third of a pixel."""
    if sigma_px < 0.33:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), dtype=np.uint8)


class SensorNoise:
    """Gaussian noise of a fixed pattern that is shifted at random from picture to picture."""

    def __init__(self, seed: int, size: tuple[int, int], sigma: float) -> None:
        """`sigma` is in 8-bit steps; below 0.3 there is no noise."""
        rng = np.random.default_rng((seed, 99))
        self._seed, self._size, self._sigma = seed, size, sigma
        noise = rng.standard_normal((size[1] + _NOISE_SHIFT, size[0] + _NOISE_SHIFT, 3), np.float32) * sigma
        self._pattern = np.round(noise).astype(np.int16) if sigma >= 0.3 else np.zeros((0, 0, 3), np.int16)

    def add(self, picture: Picture, frame_index: int) -> Picture:
        """The picture with the noise of a frame."""
        if not self._pattern.size:
            return picture
        rng = np.random.default_rng((self._seed, frame_index))
        left, top = rng.integers(0, _NOISE_SHIFT, 2)
        part = self._pattern[top : top + self._size[1], left : left + self._size[0]]
        return np.asarray(cv2.add(picture, part, dtype=cv2.CV_8U), dtype=np.uint8)

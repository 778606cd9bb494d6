"""Things that stand about and hide athletes: posts, hurdles, boxes and boards."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.rendered.textures import hue_colour

Floats = NDArray[np.float64]

_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (0.0, 1.0) for z in (-0.5, 0.5)])
_SIDES = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Prop:
    """A mesh with flat faces, world frame."""

    vertices_m: Floats
    """[V, 3], each face with corners of its own."""
    faces: NDArray[np.int64]
    """[T, 3]"""
    normals: NDArray[np.float32]
    """[V, 3]"""
    colours: NDArray[np.float32]
    """[T, 3] sRGB in 0..1."""


def _cuboid(size_m: tuple[float, float, float], offset_m: tuple[float, float, float]) -> Floats:
    """Six quads [6, 4, 3] of a box that stands on `offset_m`."""
    corners = _CORNERS * np.array(size_m) + np.array(offset_m)
    quads: Floats = corners[_SIDES]
    return quads


def _prop(quads: Floats, colours: Floats, turn_rad: float, place_m: Floats) -> Prop:
    """`quads` [q, 4, 3] turned about the vertical and moved; `colours` [q, 3] in 0..255."""
    cosine, sine = np.cos(turn_rad), np.sin(turn_rad)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    points = quads @ turn.T + place_m
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 3] - points[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    base = 4 * np.arange(len(quads))[:, None]
    faces = np.concatenate([base + [0, 1, 2], base + [0, 2, 3]])
    return Prop(
        vertices_m=points.reshape(-1, 3),
        faces=faces,
        normals=np.repeat(normals, 4, axis=0).astype(np.float32),
        colours=np.tile(colours / 255.0, (2, 1)).astype(np.float32),
    )


def sample_prop(rng: np.random.Generator, place_m: Floats) -> Prop:
    """A random object that stands at `place_m`."""
    kind = rng.choice(["post", "hurdle", "box", "board"], p=(0.3, 0.25, 0.25, 0.2))
    main, other = hue_colour(rng, (0.0, 0.9), (0.2, 0.95)), hue_colour(rng, (0.0, 0.9), (0.2, 0.95))
    if kind == "post":
        width = rng.uniform(0.05, 0.14)
        quads = _cuboid((width, rng.uniform(1.6, 4.0), width), (0, 0, 0))
        colours = np.tile(main, (6, 1))
    elif kind == "hurdle":
        height = rng.uniform(0.6, 1.07)
        parts = [
            _cuboid((1.18, 0.08, 0.02), (0, height - 0.08, 0)),
            _cuboid((0.03, height, 0.03), (-0.5, 0, 0)),
            _cuboid((0.03, height, 0.03), (0.5, 0, 0)),
            _cuboid((0.04, 0.03, 0.7), (-0.5, 0, 0.3)),
            _cuboid((0.04, 0.03, 0.7), (0.5, 0, 0.3)),
        ]
        quads = np.concatenate(parts)
        colours = np.concatenate([np.tile(main, (6, 1)), np.tile(other, (24, 1))])
    else:
        low, high = (
            ((0.3, 0.3, 0.3), (0.9, 0.8, 0.9)) if kind == "box" else ((0.9, 0.4, 0.04), (2.4, 1.0, 0.08))
        )
        size = rng.uniform(low, high)
        quads = _cuboid((float(size[0]), float(size[1]), float(size[2])), (0, 0, 0))
        colours = np.tile(main, (6, 1))
    return _prop(quads, colours, rng.uniform(-0.6, 0.6), place_m)

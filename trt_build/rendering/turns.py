"""Rotation matrices: axes, shares of a turn, smallest turns."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def unit(vectors: Floats) -> Floats:
    """Vectors [..., 3] of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def axis_turn(axis: Floats, angle_rad: float) -> Floats:
    """Rotation matrix by Rodrigues' formula."""
    x, y, z = axis
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    turn: Floats = np.eye(3) + np.sin(angle_rad) * skew + (1 - np.cos(angle_rad)) * skew @ skew
    return turn


def power(turn: Floats, share: float) -> Floats:
    """A share of a rotation's angle about its own axis."""
    axis = np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
    sine = float(np.linalg.norm(axis))
    if share == 1.0 or sine < 1e-8:
        return turn if share else np.eye(3)
    return axis_turn(axis / sine, share * float(np.arctan2(sine, np.trace(turn) - 1)))


def smallest_turn(start: Floats, stop: Floats) -> Floats:
    """The smallest rotation that takes the unit vector `start` to `stop`."""
    axis = np.cross(start, stop)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-8:
        return np.eye(3)
    return axis_turn(axis / sine, float(np.arctan2(sine, start @ stop)))


def frame(direction: Floats, normal: Floats) -> Floats:
    """The right-handed frame, as columns: `direction` first, then what of `normal` is at right angles."""
    first = unit(direction)
    second = unit(normal - first * (normal @ first))
    return np.stack([first, second, np.cross(first, second)], axis=1)

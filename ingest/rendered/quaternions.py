"""Rotations as unit quaternions (w, x, y, z), batched over any leading axes."""

from ingest.rendered.arrays import Array, namespace, unit


def about_axis(axis: int, angle_rad: Array) -> Array:
    """Rotations [..., 4] by `angle_rad` [...] about the coordinate axis 0, 1 or 2."""
    xp = namespace(angle_rad)
    zero = xp.zeros_like(angle_rad)
    parts = [xp.cos(angle_rad / 2), zero, zero, zero]
    parts[axis + 1] = xp.sin(angle_rad / 2)
    rotation: Array = xp.stack(parts, -1)
    return rotation


def multiply(first: Array, second: Array) -> Array:
    """Rotation [..., 4] that applies `second`, then `first`."""
    a, b, c, d = (first[..., i] for i in range(4))
    e, f, g, h = (second[..., i] for i in range(4))
    parts = [
        a * e - b * f - c * g - d * h,
        a * f + b * e + c * h - d * g,
        a * g - b * h + c * e + d * f,
        a * h + b * g - c * f + d * e,
    ]
    product: Array = namespace(first).stack(parts, -1)
    return product


def fraction(rotation: Array, weight: float) -> Array:
    """A part of each rotation [..., 4]: normalised interpolation from the identity, exact at 0, 1/2 and 1."""
    xp = namespace(rotation)
    sign = xp.where(rotation[..., :1] < 0, -xp.ones_like(rotation[..., :1]), xp.ones_like(rotation[..., :1]))
    blended = rotation * sign * weight
    real = blended[..., :1] + (1 - weight)
    return unit(xp.concatenate([real, blended[..., 1:]], -1))


def matrices(rotation: Array) -> Array:
    """Rotation matrices [..., 3, 3] of unit quaternions [..., 4]."""
    xp = namespace(rotation)
    w, x, y, z = (rotation[..., i] for i in range(4))
    rows = [
        xp.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], -1),
        xp.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], -1),
        xp.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1),
    ]
    rotations: Array = xp.stack(rows, -2)
    return rotations

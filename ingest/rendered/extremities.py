"""Head, hair, hands and shoes of the procedural body."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import profiles
from ingest.rendered.anatomy import BONE
from ingest.rendered.patches import PART, Patch, Rigid, rigid_patch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_HEAD_JOINT_CM = np.array([0.0, 157.0, 0.0])


def _head_angles() -> Floats:
    half = np.radians(profiles.HEAD_ANGLES_DEG)
    return np.concatenate([half, 2 * np.pi - half[-2:0:-1]])


def _head_positions() -> Floats:
    """[R, S, 3] absolute centimetres, nose and eye sockets included."""
    angles, rows = _head_angles(), profiles.HEAD
    centre, depth = (rows[:, 2] + rows[:, 3]) / 2, (rows[:, 2] - rows[:, 3]) / 2
    squeeze = np.abs(np.sin(angles)) ** 0.9 * np.sign(np.sin(angles))
    x = rows[:, 1:2] * squeeze
    z = centre[:, None] + depth[:, None] * np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** 0.92
    heights = rows[:, 0]
    off_centre = np.degrees(np.minimum(angles, 2 * np.pi - angles))
    nose = np.interp(heights, [158.0, 159.6, 161.2, 163.6, 166.4], [0.0, 1.3, 2.3, 1.4, 0.0])
    z = z + nose[:, None] * np.interp(off_centre, [0, 9, 16], [1.0, 0.5, 0.0])
    socket = np.interp(heights, [161.2, 163.6, 165.1, 166.4], [0.0, 0.7, 0.7, 0.0])
    z = z - socket[:, None] * np.interp(off_centre, [6, 19, 34, 50], [0.0, 1.0, 0.8, 0.0])
    return np.stack([x, np.broadcast_to(heights[:, None], x.shape), z], axis=-1)


def _scalp(positions: Floats) -> Floats:
    """1 where hair grows, by height and angle from the front, with a soft edge: [..., ]."""
    angle = np.degrees(np.abs(np.arctan2(positions[..., 0], positions[..., 2] - 0.5)))
    hairline = np.interp(
        angle, [0, 35, 62, 74, 84, 104, 125, 180], [170.5, 170.0, 168.0, 163.0, 165.5, 164.0, 158.0, 156.0]
    )
    return np.clip((positions[..., 1] - hairline) / 1.0 + 0.5, 0.0, 1.0)


def _face_centres(positions: Floats) -> Floats:
    following = np.roll(positions, -1, axis=1)
    corners = np.stack([positions[:-1], following[:-1], positions[1:], following[1:]])
    centres: Floats = corners.mean(axis=0)
    return centres


def _head_parts(positions: Floats) -> Ints:
    centres = _face_centres(positions)
    angle = np.degrees(np.abs(np.arctan2(centres[..., 0], centres[..., 2])))
    height = centres[..., 1]
    parts = np.where(_scalp(centres) > 0.5, PART["scalp"], PART["face"])
    parts[(height < 153.0) & (angle > 60)] = PART["neck"]
    parts[(height > 156.9) & (height < 158.2) & (angle < 17)] = PART["lips"]
    parts[(height > 163.6) & (height < 165.1) & (angle > 13) & (angle < 29)] = PART["eye"]
    parts[(height > 165.1) & (height < 166.4) & (angle > 8) & (angle < 36)] = PART["brow"]
    return parts


def head() -> Patch:
    """Skull and face."""
    positions = _head_positions()
    return rigid_patch(positions - _HEAD_JOINT_CM, Rigid(bone="head", girth="head"), _head_parts(positions))


def hair() -> Patch:
    """A shell over the skull: inside it but for the scalp, where the layer `hair` lifts it."""
    positions = _head_positions()
    centre = np.array([0.0, 164.0, 0.0])
    outward = positions - centre
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    grows = _scalp(positions)
    shell = positions + outward * (0.25 * grows - 1.2 * (1 - grows))[..., None]
    parts = np.full((len(shell) - 1, shell.shape[1]), PART["hair"])
    return rigid_patch(
        shell - _HEAD_JOINT_CM, Rigid(bone="head", girth="head", layer="hair"), parts, worn=grows
    )


def _tube(centres_cm: Floats, radii_cm: Floats, squash: float, sectors: int = 8) -> Floats:
    """Rings round a curve that runs down the back of the head: offsets [R, S, 3] to the head joint."""
    angles = np.arange(sectors) * 2 * np.pi / sectors
    ring = np.stack([np.sin(angles), np.zeros(sectors), np.cos(angles) * squash], axis=-1)
    return centres_cm[:, None, :] + ring * radii_cm[:, None, None] - _HEAD_JOINT_CM


_PONYTAIL = (
    (170, -8, 0),
    (170.5, -11, 1.8),
    (168, -13.2, 2.4),
    (162, -14.4, 2.6),
    (154, -14.4, 2.2),
    (148, -13.6, 0),
)
_LONG_HAIR = (
    (171, -4.5, 0),
    (170, -4.6, 6.0),
    (164, -5.2, 7.8),
    (156, -6.2, 8.2),
    (149, -7.6, 8.0),
    (142, -8.8, 7.0),
    (140, -9, 0),
)
_BUN = (
    (176.5, -7.5, 0),
    (176, -7.6, 2.2),
    (174, -8.2, 3.6),
    (171.5, -9.0, 3.6),
    (169.5, -9.4, 2.2),
    (169, -9.5, 0),
)


def _hair_tube(rows: Sequence[tuple[float, float, float]], girth: str, squash: float) -> Patch:
    """Rows are (height, z, radius), cm."""
    table = np.array(rows)
    centres = np.stack([np.zeros(len(table)), table[:, 0], table[:, 1]], axis=1)
    offsets = _tube(centres, table[:, 2], squash)
    parts = np.full((len(table) - 1, offsets.shape[1]), PART["tail"])
    return rigid_patch(offsets, Rigid(bone="head", girth=girth), parts)


def hair_styles() -> tuple[Patch, Patch, Patch]:
    """Ponytail, long hair and bun; each is hidden inside the head while its girth is zero."""
    return (
        _hair_tube(_PONYTAIL, "ponytail", squash=1.0),
        _hair_tube(_LONG_HAIR, "long_hair", squash=0.75),
        _hair_tube(_BUN, "bun", squash=1.0),
    )


def brim() -> Patch:
    """The peak of a cap."""
    angles = np.radians(np.array([-58, -30, 0, 30, 58]))
    inner = np.stack([7.4 * np.sin(angles), np.full(5, 170.0), 9.0 * np.cos(angles)], axis=-1)
    outer = np.stack(
        [7.8 * np.sin(angles), 168.8 - 0.8 * np.abs(np.sin(angles)), 10 + 7.5 * np.cos(angles)], axis=-1
    )
    upper, lower = np.stack([inner, outer]), np.stack([inner, outer]) - [0.0, 0.5, 0.0]
    ring = np.concatenate([upper, lower[:, ::-1]], axis=1)
    parts = np.full((1, ring.shape[1]), PART["brim"])
    return rigid_patch(ring - _HEAD_JOINT_CM, Rigid(bone="head", girth="brim"), parts)


def ear() -> Patch:
    """A flat ellipsoid at the side of the head."""
    heights, sectors = np.array([-3.2, -2.6, -0.8, 1.4, 2.8, 3.3]), 6
    radii = np.array([0.0, 0.7, 1.2, 1.7, 1.2, 0.0])
    angles = np.arange(sectors) * 2 * np.pi / sectors
    rings = np.stack(
        [
            7.3 + np.abs(np.sin(angles)) * 0.1 + radii[:, None] * np.sin(angles) * 0.55,
            5.8 + np.repeat(heights[:, None], sectors, axis=1),
            -0.6 - 0.12 * heights[:, None] + radii[:, None] * np.cos(angles),
        ],
        axis=-1,
    )
    return rigid_patch(rings, Rigid(bone="head", girth="head"), np.full((5, sectors), PART["ear"]))


def _hand_rings(rows: profiles.Profile, sectors: int, curl_cm: float) -> Floats:
    """Offsets to the wrist of rings down the hand; its breadth lies along z, the palm faces the body."""
    angles = np.arange(sectors) * 2 * np.pi / sectors
    sine = np.sin(angles)
    sideways = np.where(sine > 0, rows[:, 3:4], rows[:, 2:3]) * sine
    bend = curl_cm * (np.clip(rows[:, 0] - 6.0, 0, None) / 13.0) ** 2
    down = np.repeat(-rows[:, 0:1], sectors, axis=1)
    return np.stack([sideways - bend[:, None], down, rows[:, 1:2] * np.cos(angles)], axis=-1)


def hand() -> Patch:
    """Palm and closed fingers, slightly bent."""
    rings = _hand_rings(profiles.HAND, sectors=10, curl_cm=5.0)
    return rigid_patch(
        rings, Rigid(bone="left_hand", girth="forearm"), np.full((len(rings) - 1, 10), PART["hand"])
    )


def thumb() -> Patch:
    """Thumb, pointing forward and down."""
    rings = _hand_rings(profiles.THUMB, sectors=6, curl_cm=0.0)
    turn = np.radians(32.0)
    y, z = rings[..., 1].copy(), rings[..., 2].copy()
    rings[..., 1] = y * np.cos(turn) - z * np.sin(turn) - 3.2
    rings[..., 2] = -y * np.sin(turn) + z * np.cos(turn) + 2.4
    rings[..., 0] -= 0.8
    return rigid_patch(
        rings, Rigid(bone="left_hand", girth="forearm"), np.full((len(rings) - 1, 6), PART["hand"])
    )


def _shoe_parts(rings: Floats) -> Ints:
    centres = _face_centres(rings)
    along, height = centres[..., 2], centres[..., 1] + 8.2
    parts = np.full(height.shape, PART["shoe"])
    parts[(along > 13.0) & (height > 2.0)] = PART["toe_cap"]
    parts[(along < 3.0) & (height > 8.0)] = PART["collar"]
    parts[height < 2.0] = PART["sole"]
    return parts


def shoe() -> Patch:
    """A running shoe from heel to toe; the toe box turns with the toes."""
    rows, sectors = profiles.SHOE, 14
    angles = np.arange(sectors) * 2 * np.pi / sectors
    sine, cosine = np.sin(angles), np.cos(angles)
    x = rows[:, 1:2] * np.sign(sine) * np.abs(sine) ** 0.75
    middle = np.where(rows[:, 1] > 0, rows[:, 2] / 2, rows[:, 2])
    radius = np.where(rows[:, 1] > 0, rows[:, 2] / 2, 0.0)
    y = middle[:, None] + radius[:, None] * np.sign(cosine) * np.abs(cosine) ** 0.7
    narrow = np.clip((y - 3.0) / 8.0, 0.0, 1.0) * 0.25
    swing = np.interp(rows[:, 0], [-7, 2, 12, 20], [0.0, 0.0, 0.5, -0.8])
    spring = np.interp(rows[:, 0], [-7.4, -5, 12, 20], [0.5, 0.0, 0.0, 1.0])
    rings = np.stack(
        [
            x * (1 - narrow) + swing[:, None],
            y + spring[:, None] - 8.2,
            np.repeat(rows[:, :1], sectors, axis=1),
        ],
        axis=-1,
    )
    patch = rigid_patch(rings, Rigid(bone="left_foot", girth="foot"), _shoe_parts(rings))
    return _with_toes(patch, rows[:, 0])


def _with_toes(patch: Patch, along_cm: Floats) -> Patch:
    toe = np.clip((along_cm - 9.5) / 4.5, 0.0, 1.0)[:, None, None]
    shape = patch.skin_weights.shape[:2]
    bones, weights = np.zeros((*shape, 4), np.int64), np.zeros((*shape, 4))
    bones[..., 0], bones[..., 1] = BONE["left_foot"], BONE["left_toes"]
    weights[..., 0:1], weights[..., 1:2] = 1 - toe, toe
    return replace(patch, skin_bones=bones, skin_weights=weights)

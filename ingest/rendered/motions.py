"""Joint angles of sport movements as functions of phase, turned into local rotations.

Everything works in batches on NumPy or PyTorch. An action is a table of angles in degrees at equal steps of
phase; it repeats, so a squat begins and ends upright. Sagittal gait angles follow the textbook curves (Winter
2009, chapter 2; Novacheck, "The biomechanics of running", Gait & Posture 7, 1998), the rest is drawn by eye.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import quaternions
from ingest.rendered.actions import ACTIONS, ANGLES, Action
from ingest.rendered.anatomy import BONE, BONES
from ingest.rendered.arrays import Array, constant, namespace, unit
from ingest.rendered.bodies import BodyShape, bone_offsets, forward_kinematics

_ANGLE = {name: i for i, name in enumerate(ANGLES)}
_SIDE_COUNT = sum(name.startswith("left_") for name in ANGLES)
_CENTRE_COUNT = len(ANGLES) - 2 * _SIDE_COUNT
_FLIPPED = np.array(
    [
        -1.0
        if name in ("pelvis_list", "pelvis_yaw", "spine_bend", "spine_twist", "neck_bend", "neck_twist")
        else 1.0
        for name in ANGLES
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How n people differ from an action's table; neutral is gains of one and offsets of zero."""

    gains: Array
    """[n, angles] multiplies each angle."""
    offsets_deg: Array
    """[n, angles] added to it."""
    mirror: Array
    """[n] 1 swaps left and right, 0 does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Local rotations and place of n people."""

    rotations: Array
    """[n, bones, 4]"""
    root_m: Array
    """[n, 3] mid hip; the lowest foot is on the ground y = 0 unless the action is in flight."""


def sample_style(rng: np.random.Generator, count: int, spread: float = 1.0) -> Style:
    """Random styles; `spread` 0 is neutral, 1 the usual variety, 2 wild."""
    gains = 1 + spread * rng.normal(0, 0.1, (count, len(ANGLES)))
    gains[:, [_ANGLE["left_knee"], _ANGLE["right_knee"]]] = np.clip(
        gains[:, [_ANGLE["left_knee"], _ANGLE["right_knee"]]], 0.8, 1.15
    )
    offsets = spread * rng.normal(0, 1, (count, len(ANGLES))) * _OFFSET_SPREAD_DEG
    return Style(
        gains=gains.astype(np.float32),
        offsets_deg=offsets.astype(np.float32),
        mirror=(rng.random(count) < 0.5).astype(np.float32),
    )


def _offset_spread(name: str) -> float:
    plain = name.removeprefix("left_").removeprefix("right_")
    spreads = {
        "foot_pitch": 0.0,
        "knee": 3.0,
        "hip_abduction": 1.5,
        "elbow": 10.0,
        "forearm_twist": 15.0,
        "pelvis_yaw": 0.0,
    }
    return spreads.get(plain, 8.0 if plain.startswith(("shoulder", "wrist", "neck")) else 2.5)


_OFFSET_SPREAD_DEG = np.array([_offset_spread(name) for name in ANGLES])


def _cubic(distance: Array) -> Array:
    """Catmull-Rom kernel (Keys 1981, a = -1/2) at distances >= 0."""
    xp = namespace(distance)
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    tail: Array = xp.where(distance < 2, far, 0 * distance)
    kernel: Array = xp.where(distance < 1, near, tail)
    return kernel


def periodic(table: NDArray[np.float64], phase: Array) -> Array:
    """Values [n, columns] of a periodic table [keys, columns] at `phase` [n]; cubic between the keys."""
    xp = namespace(phase)
    keys = len(table)
    steps = phase[:, None] * keys - constant(np.arange(keys), phase)[None]
    distance: Array = xp.abs((steps + keys / 2) % keys - keys / 2)
    values: Array = _cubic(distance) @ constant(table, phase)
    return values


def mirrored_angles(angles_deg: Array) -> Array:
    """Angles [n, angles] of the mirror image."""
    xp = namespace(angles_deg)
    middle, left = angles_deg[:, :_CENTRE_COUNT], angles_deg[:, _CENTRE_COUNT : _CENTRE_COUNT + _SIDE_COUNT]
    swapped = xp.concatenate([middle, angles_deg[:, _CENTRE_COUNT + _SIDE_COUNT :], left], -1)
    return swapped * constant(_FLIPPED, angles_deg)[None]


def joint_angles(action: Action, phase: Array, style: Style) -> Array:
    """Angles [n, angles] in degrees, in the order of `actions.ANGLES`, at `phase` [n]."""
    angles = periodic(action.angles_deg, phase) * style.gains + style.offsets_deg
    mirror = style.mirror[:, None]
    mixed: Array = angles + (mirrored_angles(angles) - angles) * mirror
    return mixed


def joint_rotations(angles_deg: Array) -> Array:
    """Local quaternions [n, bones, 4] of the angles [n, angles]."""
    xp = namespace(angles_deg)
    angles = angles_deg * (np.pi / 180)
    value = {name: angles[:, i] for name, i in _ANGLE.items()}
    rotations: dict[str, Array] = {
        "pelvis": _turn(value["pelvis_pitch"], value["pelvis_list"], value["pelvis_yaw"])
    }
    spine = _turn(value["spine_flexion"], value["spine_bend"], value["spine_twist"])
    rotations["spine"] = rotations["chest"] = quaternions.fraction(spine, 0.5)
    neck = _turn(value["neck_flexion"], value["neck_bend"], value["neck_twist"])
    rotations["neck"] = rotations["head"] = quaternions.fraction(neck, 0.5)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        own = {name.removeprefix(f"{side}_"): angle for name, angle in value.items() if name.startswith(side)}
        arm, leg = _arm(own, sign), _leg(own, sign, value["pelvis_pitch"])
        rotations |= {f"{side}_{bone}": rotation for bone, rotation in (arm | leg).items()}
    stacked: Array = xp.stack([rotations[bone] for bone in BONES], 1)
    return stacked


def _turn(flexion: Array, bend: Array, twist: Array) -> Array:
    """Twist about y, then bend to the left about z, then flexion forwards about x, outermost first."""
    sideways = quaternions.multiply(quaternions.about_axis(2, -bend), quaternions.about_axis(0, flexion))
    return quaternions.multiply(quaternions.about_axis(1, twist), sideways)


def _product(*rotations: Array) -> Array:
    product = rotations[0]
    for rotation in rotations[1:]:
        product = quaternions.multiply(product, rotation)
    return product


def _arm(own: dict[str, Array], sign: float) -> dict[str, Array]:
    """Clavicle, upper arm, forearm and hand; positive angles flex, abduct, turn inwards and pronate."""
    about = quaternions.about_axis
    shoulder = _product(
        about(1, -sign * own["shoulder_plane"]),
        about(0, -own["shoulder_flexion"]),
        about(2, sign * own["shoulder_abduction"]),
        about(1, -sign * own["shoulder_twist"]),
    )
    raised = 0.5 - quaternions.matrices(shoulder)[:, 1, 1] / 2
    forward = -quaternions.matrices(shoulder)[:, 2, 1]
    clavicle = _product(about(2, sign * 0.4 * raised), about(1, -sign * 0.12 * forward))
    inverse = clavicle * constant([1.0, -1.0, -1.0, -1.0], clavicle)
    return {
        "clavicle": clavicle,
        "upper_arm": quaternions.multiply(inverse, shoulder),
        "forearm": _product(about(0, -own["elbow"]), about(1, -sign * 0.5 * own["forearm_twist"])),
        "hand": _product(about(1, -sign * 0.5 * own["forearm_twist"]), about(2, -sign * own["wrist"])),
    }


def _leg(own: dict[str, Array], sign: float, pelvis_pitch: Array) -> dict[str, Array]:
    """Thigh, shank, foot and toes; the ankle realises the foot's pitch to the ground, within its range."""
    xp, about = namespace(pelvis_pitch), quaternions.about_axis
    hip = _product(
        about(0, -own["hip_flexion"]),
        about(2, sign * own["hip_abduction"]),
        about(1, sign * own["hip_twist"]),
    )
    ankle = own["foot_pitch"] - (pelvis_pitch - own["hip_flexion"] + own["knee"])
    toes = -xp.clip(own["foot_pitch"], 0.0, 0.7) * 0.75
    return {
        "thigh": hip,
        "shank": about(0, own["knee"]),
        "foot": _product(about(0, xp.clip(ankle, -0.62, 0.85)), about(2, -sign * own["hip_abduction"] * 0.7)),
        "toes": about(0, toes),
    }


_SOLE_CM = np.array([(0.0, -8.2, -6.0), (-3.0, -8.2, 10.5), (3.5, -8.2, 9.5), (-2.6, -7.6, 17.0)]) / 175.0


def sole_points(shape: BodyShape, rotations: Array) -> Array:
    """[n, 8, 3] points under the left, then the right foot, relative to the mid hip, in metres."""
    xp = namespace(rotations)
    offsets = bone_offsets(shape)
    skeleton = forward_kinematics(offsets, rotations, xp.zeros_like(offsets[:, 0]))
    points: list[Array] = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        local = (
            constant(_SOLE_CM * np.array([sign, 1.0, 1.0]), offsets)[None] * shape.stature_m[:, None, None]
        )
        for i, bone in enumerate(("foot", "foot", "foot", "toes")):
            index = BONE[f"{side}_{bone}"]
            at: Array = local[:, i] - constant([0.0, -5.8, 13.2], offsets) / 175.0 * shape.stature_m[
                :, None
            ] * (bone == "toes")
            points.append(skeleton.heads_m[:, index] + (skeleton.turns[:, index] @ at[..., None])[..., 0])
    stacked: Array = xp.stack(points, 1)
    return stacked


def hip_height(shape: BodyShape, rotations: Array, sharpness_per_m: float = 120.0) -> Array:
    """[n] height of the mid hip that puts the lowest sole point on the ground; smooth between the feet."""
    xp = namespace(rotations)
    heights = sole_points(shape, rotations)[..., 1]
    lowest = heights[..., 0]
    for i in range(1, heights.shape[-1]):
        lowest = xp.where(heights[..., i] < lowest, heights[..., i], lowest)
    weights = xp.exp(-(heights - lowest[..., None]) * sharpness_per_m)
    smooth: Array = -((heights * weights).sum(-1) / weights.sum(-1))
    return smooth


def pose_at(action: Action, phase: Array, style: Style, shape: BodyShape) -> Pose:
    """Poses of n people at `phase` [n] of an action, standing at x = z = 0 and facing +z."""
    xp = namespace(phase)
    rotations = joint_rotations(joint_angles(action, phase, style))
    height = (
        hip_height(shape, rotations)
        + periodic(action.flight_m[:, None], phase)[:, 0] * shape.stature_m / 1.75
    )
    zero = xp.zeros_like(height)
    return Pose(rotations=rotations, root_m=xp.stack([zero, height, zero], -1))


def facing(pose: Pose, heading_rad: Array, ground_m: Array) -> Pose:
    """The poses turned about the vertical by `heading_rad` [n] (0 faces +z, pi/2 faces +x) and moved to
    `ground_m` [n, 3]."""
    xp = namespace(pose.root_m)
    turn = quaternions.about_axis(1, heading_rad)
    pelvis = quaternions.multiply(turn, pose.rotations[:, 0])
    rotations = xp.concatenate([pelvis[:, None], pose.rotations[:, 1:]], 1)
    moved = (quaternions.matrices(turn) @ pose.root_m[..., None])[..., 0] + ground_m
    return Pose(rotations=unit(rotations), root_m=moved)


__all__ = [
    "ACTIONS",
    "ANGLES",
    "Action",
    "Pose",
    "Style",
    "facing",
    "hip_height",
    "joint_angles",
    "joint_rotations",
    "pose_at",
    "sample_style",
    "sole_points",
]

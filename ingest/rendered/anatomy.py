"""The skeleton of the procedural body: bones, rest joints and the places of the 26 Halpe joints.

Body frame: metres, y up, the person faces +z, the person's left is +x. Rest pose: upright, arms hanging.
Segment lengths are fractions of the stature after Drillis and Contini (1966), as drawn in Winter,
"Biomechanics and Motor Control of Human Movement", 4th ed. (2009), figure 4.1; joint centres lie inside the
landmarks given there (hip below the trochanter, shoulder below the acromion). Tables are in centimetres of a
175 cm adult, so that they can be read beside a tape measure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REFERENCE_CM = 175.0

_CENTRE_BONES = ("pelvis", "spine", "chest", "neck", "head")
_SIDE_BONES = ("clavicle", "upper_arm", "forearm", "hand", "thigh", "shank", "foot", "toes")
_SIDE_PARENTS = ("chest", "clavicle", "upper_arm", "forearm", "pelvis", "thigh", "shank", "foot")

BONES: tuple[str, ...] = (
    *_CENTRE_BONES,
    *(f"left_{name}" for name in _SIDE_BONES),
    *(f"right_{name}" for name in _SIDE_BONES),
)
"""Bones by name; a bone turns about its head, the joint to its parent."""
BONE = {name: i for i, name in enumerate(BONES)}


def _parent(side: str, parent: str) -> int:
    return BONE[parent if parent in _CENTRE_BONES else f"{side}_{parent}"]


PARENTS: tuple[int, ...] = (
    -1, 0, 1, 2, 3,
    *(_parent("left", parent) for parent in _SIDE_PARENTS),
    *(_parent("right", parent) for parent in _SIDE_PARENTS),
)  # fmt: skip

HALF_BONES: tuple[int, ...] = tuple(
    BONE[f"{side}_{name}"] for side in ("left", "right") for name in ("forearm", "shank", "hand", "foot")
)
"""Bones with a helper that turns half as far, so that skin keeps its volume at bent elbows and knees.
Skin weights address helper i as bone len(BONES) + i."""


def half_bone(name: str) -> int:
    """Skinning index of the half-turn helper at the head of bone `name`."""
    return len(BONES) + HALF_BONES.index(BONE[name])


@dataclass(frozen=True, slots=True, kw_only=True)
class RestJoint:
    """Head of a bone in the rest pose of the reference adult, centimetres, left side."""

    male: tuple[float, float, float]
    female: tuple[float, float, float]


_REST: dict[str, RestJoint] = {
    "pelvis": RestJoint(male=(0, 92.0, 0), female=(0, 92.0, 0)),
    "spine": RestJoint(male=(0, 101.0, -2.0), female=(0, 101.5, -2.0)),
    "chest": RestJoint(male=(0, 116.0, -2.0), female=(0, 116.5, -2.0)),
    "neck": RestJoint(male=(0, 147.0, -2.5), female=(0, 147.0, -2.5)),
    "head": RestJoint(male=(0, 157.0, 0.0), female=(0, 157.0, 0.0)),
    "clavicle": RestJoint(male=(2.5, 142.5, 1.0), female=(2.2, 142.0, 1.0)),
    "upper_arm": RestJoint(male=(18.6, 141.5, -2.0), female=(16.6, 141.0, -2.0)),
    "forearm": RestJoint(male=(19.6, 109.5, -2.6), female=(17.8, 109.5, -2.6)),
    "hand": RestJoint(male=(20.2, 84.0, -1.0), female=(18.6, 84.5, -1.0)),
    "thigh": RestJoint(male=(8.8, 92.0, 0.0), female=(9.1, 92.0, 0.0)),
    "shank": RestJoint(male=(8.6, 50.2, 0.6), female=(8.2, 50.2, 0.6)),
    "foot": RestJoint(male=(8.5, 8.2, -1.4), female=(8.0, 8.2, -1.4)),
    "toes": RestJoint(male=(8.9, 2.4, 11.8), female=(8.4, 2.4, 11.6)),
}


def _rest_table(sex: str) -> NDArray[np.float64]:
    rows = []
    for bone in BONES:
        side, _, name = bone.partition("_")
        joint = _REST[name if side in ("left", "right") else bone]
        x, y, z = joint.male if sex == "male" else joint.female
        rows.append((-x if side == "right" else x, y, z))
    return np.array(rows) / REFERENCE_CM


REST_MALE = _rest_table("male")
"""[bones, 3] rest joints over the stature."""
REST_FEMALE = _rest_table("female")

SEGMENTS = (
    "trunk",
    "neck",
    "shoulder_breadth",
    "hip_breadth",
    "upper_arm",
    "forearm",
    "thigh",
    "shank",
    "foot",
)
"""Groups of bones whose lengths vary together, the same left and right."""
_SEGMENT_OF = {
    "pelvis": None, "spine": "trunk", "chest": "trunk", "neck": "trunk", "head": "neck",
    "clavicle": "trunk", "upper_arm": "shoulder_breadth", "forearm": "upper_arm", "hand": "forearm",
    "thigh": "hip_breadth", "shank": "thigh", "foot": "shank", "toes": "foot",
}  # fmt: skip


def _segment_index(bone: str) -> int:
    name = bone.removeprefix("left_").removeprefix("right_")
    segment = _SEGMENT_OF[name]
    return len(SEGMENTS) if segment is None else SEGMENTS.index(segment)


BONE_SEGMENT = np.array([_segment_index(bone) for bone in BONES])
"""[bones] the segment whose length scales the offset from the parent's head; len(SEGMENTS): none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmark:
    """A Halpe joint fixed to a bone: centimetres from the bone's rest head, left side."""

    bone: str
    offset_cm: tuple[float, float, float] = (0.0, 0.0, 0.0)


_CENTRE_LANDMARKS = {
    "nose": Landmark(bone="head", offset_cm=(0.0, 4.6, 11.6)),
    "head": Landmark(bone="head", offset_cm=(0.0, 18.0, -0.3)),
    "neck": Landmark(bone="neck", offset_cm=(0.0, -1.0, 0.8)),
    "hip": Landmark(bone="pelvis"),
}
_SIDE_LANDMARKS = {
    "eye": Landmark(bone="head", offset_cm=(3.2, 7.4, 8.7)),
    "ear": Landmark(bone="head", offset_cm=(7.4, 5.6, -0.4)),
    "shoulder": Landmark(bone="upper_arm"),
    "elbow": Landmark(bone="forearm"),
    "wrist": Landmark(bone="hand"),
    "hip": Landmark(bone="thigh", offset_cm=(0.8, 0.0, 0.0)),
    "knee": Landmark(bone="shank"),
    "ankle": Landmark(bone="foot"),
    "big_toe": Landmark(bone="toes", offset_cm=(-2.4, -0.4, 6.6)),
    "small_toe": Landmark(bone="toes", offset_cm=(3.6, -0.6, 3.4)),
    "heel": Landmark(bone="foot", offset_cm=(0.0, -6.0, -5.4)),
}


def landmark(joint: str) -> tuple[int, tuple[float, float, float]]:
    """Bone index and offset over the stature of a Halpe joint by name."""
    side, _, name = joint.partition("_")
    sided = side in ("left", "right")
    mark = _SIDE_LANDMARKS[name] if sided else _CENTRE_LANDMARKS[joint]
    bone = mark.bone if mark.bone in _CENTRE_BONES else f"{side}_{mark.bone}"
    x, y, z = (value / REFERENCE_CM for value in mark.offset_cm)
    return BONE[bone], (-x if side == "right" else x, y, z)

"""Procedural human bodies: a mesh of fixed topology, posed in batches on NumPy or PyTorch.

Frame: metres, y up, the person faces +z, the person's left is +x. Typical use, `n` people at once:

    people = wardrobe.sample_bodies(rng, n)                                   # shapes, clothes, colours
    style = motions.sample_style(rng, n)
    pose = motions.pose_at(motions.ACTIONS["sprint"], phase, style, people.shape)      # phase [n]
    vertices, joints = pose_mesh(people.shape, pose.rotations, pose.root_m)   # [n, V, 3], [n, 26, 3]
    colours = people.palette[:, FACE_PARTS]                                   # [n, T, 3] sRGB in 0..1

With PyTorch, turn the arrays of `people.shape` into tensors first (`people.shape.map(torch.as_tensor)`); the
answers are then tensors of the same device. `FACES` and `FACE_PARTS` are the same for everybody.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from core.skeletons import HALPE_26
from ingest.rendered import quaternions
from ingest.rendered.anatomy import BONE_SEGMENT, BONES, HALF_BONES, PARENTS, REST_FEMALE, REST_MALE, landmark
from ingest.rendered.arrays import Array, constant, indices, namespace
from ingest.rendered.template import body_template

TEMPLATE = body_template()
FACES = TEMPLATE.faces
"""[T, 3] vertices of each triangle, counter-clockwise seen from outside."""
FACE_PARTS = TEMPLATE.face_parts
"""[T] index of `patches.PARTS`."""
VERTEX_COUNT = len(TEMPLATE.anchor_t)


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyShape:
    """Proportions of n people."""

    stature_m: Array
    """[n]"""
    female: Array
    """[n] from 0, male, to 1, female."""
    segments: Array
    """[n, segments] length of each of `anatomy.SEGMENTS` over its mean."""
    girths: Array
    """[n, girths] girth of each of `patches.GIRTHS` over its mean; 0 takes an optional part away."""
    layers_m: Array
    """[n, layers] thickness of clothing and hair at each of `patches.LAYERS`."""

    def map(self, convert: Callable[[Array], Array]) -> "BodyShape":
        """The same shapes with each array converted, for example to tensors or to a slice of the batch."""
        return BodyShape(**{field.name: convert(getattr(self, field.name)) for field in fields(self)})


_SKIN = np.zeros((VERTEX_COUNT, len(BONES) + len(HALF_BONES)), np.float32)
np.add.at(_SKIN, (np.arange(VERTEX_COUNT)[:, None], TEMPLATE.skin_bones), TEMPLATE.skin_weights)
_ANCHORS = np.zeros((VERTEX_COUNT, len(BONES)), np.float32)
np.add.at(_ANCHORS, (np.arange(VERTEX_COUNT), TEMPLATE.anchors[:, 0]), 1 - TEMPLATE.anchor_t)
np.add.at(_ANCHORS, (np.arange(VERTEX_COUNT), TEMPLATE.anchors[:, 1]), TEMPLATE.anchor_t)
_LANDMARKS = [landmark(joint) for joint in HALPE_26.joints]
_LANDMARK_BONES = np.array([bone for bone, _ in _LANDMARKS])
_LANDMARK_OFFSETS = np.array([offset for _, offset in _LANDMARKS], np.float32)


def bone_offsets(shape: BodyShape) -> Array:
    """[n, bones, 3] metres from the parent's head to each bone's head at rest; the root's own is zero."""
    xp = namespace(shape.stature_m)
    male, female = (_parent_offsets(table) for table in (REST_MALE, REST_FEMALE))
    male, female = constant(male, shape.female), constant(female, shape.female)
    mixed = male[None] + (female - male)[None] * shape.female[:, None, None]
    ones = xp.ones_like(shape.segments[:, :1])
    scale = xp.concatenate([shape.segments, ones], -1)[:, indices(BONE_SEGMENT, shape.segments)]
    offsets: Array = mixed * scale[..., None] * shape.stature_m[:, None, None]
    return offsets


def _parent_offsets(rest: Array) -> Array:
    return np.array(
        [rest[i] - rest[parent] if parent >= 0 else np.zeros(3) for i, parent in enumerate(PARENTS)]
    )


def rest_joints(offsets: Array) -> Array:
    """[n, bones, 3] heads of the bones at rest, the pelvis at the origin."""
    heads: list[Array] = []
    for bone, parent in enumerate(PARENTS):
        heads.append(offsets[:, bone] if parent < 0 else heads[parent] + offsets[:, bone])
    stacked: Array = namespace(offsets).stack(heads, 1)
    return stacked


def rest_vertices(shape: BodyShape, heads: Array) -> Array:
    """[n, V, 3] metres, the pelvis at the origin; `heads` from `rest_joints`."""
    male, female = constant(TEMPLATE.offsets_male, heads), constant(TEMPLATE.offsets_female, heads)
    offsets = male[None] + (female - male)[None] * shape.female[:, None, None]
    girth = shape.girths[:, indices(TEMPLATE.girth, heads)] * shape.stature_m[:, None]
    layer = shape.layers_m[:, indices(TEMPLATE.layer, heads)]
    anchors = constant(_ANCHORS, heads) @ heads
    return anchors + offsets * girth[..., None] + constant(TEMPLATE.outward, heads)[None] * layer[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """Bones of n people in the world."""

    turns: Array
    """[n, bones + helpers, 3, 3] world rotations."""
    heads_m: Array
    """[n, bones + helpers, 3]"""


def forward_kinematics(offsets: Array, rotations: Array, root_m: Array) -> Skeleton:
    """World pose of bones and half-turn helpers from local quaternions [n, bones, 4] and root_m [n, 3]."""
    xp = namespace(rotations)
    local = quaternions.matrices(rotations)
    turns: list[Array] = []
    heads: list[Array] = []
    for bone, parent in enumerate(PARENTS):
        if parent < 0:
            turns.append(local[:, bone])
            heads.append(root_m)
            continue
        turns.append(turns[parent] @ local[:, bone])
        heads.append(heads[parent] + (turns[parent] @ offsets[:, bone, :, None])[..., 0])
    for bone in HALF_BONES:
        half = quaternions.matrices(quaternions.fraction(rotations[:, bone], 0.5))
        turns.append(turns[PARENTS[bone]] @ half)
        heads.append(heads[bone])
    return Skeleton(turns=xp.stack(turns, 1), heads_m=xp.stack(heads, 1))


def landmarks(shape: BodyShape, skeleton: Skeleton) -> Array:
    """The 26 Halpe joints in the world, [n, 26, 3] metres."""
    bones = indices(_LANDMARK_BONES, skeleton.heads_m)
    offsets = constant(_LANDMARK_OFFSETS, skeleton.heads_m)[None] * shape.stature_m[:, None, None]
    moved = (skeleton.turns[:, bones] @ offsets[..., None])[..., 0]
    joints: Array = skeleton.heads_m[:, bones] + moved
    return joints


def skin(shape: BodyShape, offsets: Array, skeleton: Skeleton) -> Array:
    """Linear blend skinning with half-turn helpers: vertices [n, V, 3] in the world."""
    xp = namespace(skeleton.turns)
    heads = rest_joints(offsets)
    all_heads = xp.concatenate([heads, heads[:, indices(HALF_BONES, heads)]], 1)
    shift = skeleton.heads_m - (skeleton.turns @ all_heads[..., None])[..., 0]
    transforms = xp.concatenate([skeleton.turns, shift[..., None]], -1)
    blended = constant(_SKIN, heads) @ transforms.reshape(len(transforms), -1, 12)
    blended = blended.reshape(len(transforms), VERTEX_COUNT, 3, 4)
    rest = rest_vertices(shape, heads)
    vertices: Array = (blended[..., :3] @ rest[..., None])[..., 0] + blended[..., 3]
    return vertices


def pose_mesh(shape: BodyShape, rotations: Array, root_m: Array) -> tuple[Array, Array]:
    """Vertices [n, V, 3] and Halpe joints [n, 26, 3] in metres.

    `rotations` [n, bones, 4] are local unit quaternions, `root_m` [n, 3] the place of the pelvis (mid hip).
    """
    offsets = bone_offsets(shape)
    skeleton = forward_kinematics(offsets, rotations, root_m)
    return skin(shape, offsets, skeleton), landmarks(shape, skeleton)

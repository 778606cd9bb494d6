"""Poses the pack's bodies in batches: motion frames to bone matrices, skin and the 26 Halpe joints."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trt_build.training import kernels
from trt_build.training.mesh_pack import CURL_RAD, SLOTS, MeshPack
from trt_build.training.shapes import ShapeBank


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PosedBodies:
    """I bodies in the world: metres, y up."""

    vertices: Tensor
    """[I, V, 3]."""
    normals: Tensor
    """[I, V, 3]."""
    joints: Tensor
    """[I, 26, 3]."""


def quaternion_matrices(rotation: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of quaternions [..., 4] (w, x, y, z), normalised here."""
    w, x, y, z = (rotation / rotation.norm(dim=-1, keepdim=True)).unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def about(axis: Tensor, angle_rad: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] about unit axes [..., 3] by angles [...]."""
    half = angle_rad[..., None] / 2
    return quaternion_matrices(torch.cat([half.cos(), half.sin() * axis], -1))


def power(rotation: Tensor, share: Tensor) -> Tensor:
    """Each rotation [..., 3, 3] through a share [...] of its angle."""
    m = rotation
    skew = torch.stack(
        [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]], -1
    )
    sine = skew.norm(dim=-1)
    angle = torch.atan2(sine, m.diagonal(dim1=-2, dim2=-1).sum(-1) - 1)
    partial = about(skew / sine.clamp(min=1e-8)[..., None], angle * share * (sine > 1e-8))
    return torch.where((share == 1)[..., None, None], rotation, partial)


def smallest_rotation(start: Tensor, end: Tensor) -> Tensor:
    """Rotation [..., 3, 3] that takes unit vectors `start` to `end` by the shortest way."""
    across = torch.linalg.cross(start, end)
    sine = across.norm(dim=-1)
    angle = torch.atan2(sine, (start * end).sum(-1))
    return about(across / sine.clamp(min=1e-8)[..., None], angle * (sine > 1e-8))


def _source_rotations(pack: MeshPack, rotations: Tensor) -> Tensor:
    local = quaternion_matrices(rotations)
    world: list[Tensor] = []
    for joint, parent in enumerate(pack.joint_parent):
        world.append(local[:, joint] if parent < 0 else world[parent] @ local[:, joint])
    return torch.stack(world, 1)


def bone_rotations(pack: MeshPack, bank: ShapeBank, shape: Tensor, rotations: Tensor) -> Tensor:
    """World rotations [I, B, 3, 3] of bodies of shapes [I] for source joint quaternions [I, J, 4]."""
    world = _source_rotations(pack, rotations)
    joint, parent, limb = pack.retarget.unbind(1)
    identity = torch.eye(3, device=world.device)
    base = torch.where((joint == parent)[:, None, None], identity, world[:, parent])
    local = base.transpose(-1, -2) @ world[:, joint] @ bank.limb_down[shape][:, limb]
    direction = bank.limb_direction[shape][:, limb]
    swing = smallest_rotation(direction, (local @ direction[..., None])[..., 0])
    twist = swing.transpose(-1, -2) @ local
    shares = pack.swing_twist.expand(len(shape), -1, 2)
    limbs = base @ power(swing, shares[..., 0]) @ power(twist, shares[..., 1])
    trunk = base @ power(local, shares[..., 0])
    driven = torch.where((limb == 0)[:, None, None], trunk, limbs)
    curl = about(bank.curl[shape][:, pack.curl_finger], CURL_RAD * pack.curl_steps.expand(len(shape), -1))
    return driven[:, pack.driver] @ curl


def bone_heads(pack: MeshPack, heads: Tensor, rotations: Tensor) -> Tensor:
    """Posed bone heads [I, B, 3] from rest heads [I, B, 3]; the root's stays at the origin."""
    parent = pack.bone_parent.clamp(min=0)
    offset = (rotations[:, parent] @ (heads - heads[:, parent])[..., None])[..., 0]
    offset[:, pack.bone_parent < 0] = 0
    return pack.bone_path @ offset


def pose_bodies(
    pack: MeshPack, bank: ShapeBank, shape: Tensor, rotations: Tensor, root_height_m: Tensor, push_m: Tensor
) -> PosedBodies:
    """Bodies [I] at x = z = 0, mid hip at the motion's height scaled to the body; push_m [I, SLOTS]."""
    rest_heads = bank.heads[shape]
    turned = bone_rotations(pack, bank, shape, rotations)
    heads = bone_heads(pack, rest_heads, turned)
    hip = heads[:, list(pack.hip_bones)].mean(1)
    target = torch.zeros_like(hip)
    target[:, 1] = root_height_m * bank.hip_over_sole_m[shape] / pack.hip_height_m
    heads = heads + (target - hip)[:, None]
    moved = heads - (turned @ rest_heads[..., None])[..., 0]
    bones = torch.cat([turned, moved[..., None]], -1).flatten(2).contiguous()
    vertices, normals = _skin(pack, bank, shape, bones, push_m)
    surfaces = torch.einsum("sv,ivc->isc", pack.surface_means, vertices)
    joints = torch.einsum("js,isc->ijc", pack.landmark_weights, torch.cat([heads, surfaces], 1))
    return PosedBodies(vertices=vertices, normals=normals, joints=joints)


def _skin(
    pack: MeshPack, bank: ShapeBank, shape: Tensor, bones: Tensor, push_m: Tensor
) -> tuple[Tensor, Tensor]:
    count, vertices = len(shape), bank.rest.shape[1]
    out = torch.empty((count, vertices, 3), device=bones.device)
    normals = torch.empty_like(out)
    kernels.start(
        "skin", bank.rest, bank.normals, shape.int(), pack.skin_index, pack.skin_weight, pack.vertex_slot,
        push_m.contiguous(), bones, out, normals, vertices, bones.shape[1], SLOTS, count=count * vertices,
    )  # fmt: skip
    return out, normals

"""The procedural bodies of `ingest.rendered` as a cast: posed athletes, turned and lit anew."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ingest.rendered import bodies, motions, wardrobe
from ingest.rendered.arrays import Array
from trt_build.training.drawing import MATERIAL_SIZE
from trt_build.training.draws import Draws
from trt_build.training.meshes import Meshes
from trt_build.training.posing import about
from trt_build.training.shapes import vertex_normals

_CHUNK = 256
_HIP_OVER_STATURE = 0.53


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Bank:
    """N athletes, each in one pose."""

    vertices: Tensor
    """[N, V, 3]."""
    joints: Tensor
    """[N, 26, 3]."""
    rest: Tensor
    """[N, V, 3]."""
    palette: Tensor
    """[N, parts, 3] linear light."""
    stature_m: Tensor
    """[N]."""


class ProceduralCast:
    """Draws athletes from a bank made once."""

    def __init__(self, count: int, seed: int, device: torch.device) -> None:
        rng = np.random.default_rng(seed)
        chunks = [_athletes(min(_CHUNK, count - k), rng, device) for k in range(0, count, _CHUNK)]
        self._bank = _Bank(
            vertices=torch.cat([c.vertices for c in chunks]),
            joints=torch.cat([c.joints for c in chunks]),
            rest=torch.cat([c.rest for c in chunks]),
            palette=torch.cat([c.palette for c in chunks]),
            stature_m=torch.cat([c.stature_m for c in chunks]),
        )
        self._triangles = torch.as_tensor(np.ascontiguousarray(bodies.FACES), device=device).int()
        self._slots = torch.as_tensor(bodies.FACE_PARTS, device=device).int()

    def bodies(self, count: int, draws: Draws) -> Meshes:
        """`count` athletes facing anywhere, in cloth of some texture."""
        row = draws.integers((count,), len(self._bank.vertices))
        up = torch.tensor([0.0, 1.0, 0.0], device=draws.device).expand(count, 3)
        turn = about(up, draws.uniform((count,), -math.pi, math.pi)).transpose(-1, -2)
        vertices = self._bank.vertices[row] @ turn
        return Meshes(
            vertices=vertices,
            normals=vertex_normals(vertices, self._triangles),
            joints=self._bank.joints[row] @ turn,
            stature_m=self._bank.stature_m[row],
            rest=self._bank.rest,
            rest_of=row.int(),
            triangles=self._triangles,
            slots=self._slots,
            materials=_materials(self._bank.palette[row], draws),
            weights=torch.ones(vertices.shape[1], device=draws.device),
        )


def _materials(palette: Tensor, draws: Draws) -> Tensor:
    """[I, parts, 16]: the palette's colours, with some mottling and gloss."""
    size = palette.shape[:2]
    out = torch.zeros((*size, MATERIAL_SIZE), device=palette.device)
    out[..., 0:3] = out[..., 3:6] = palette
    out[..., 7] = 10
    out[..., 11] = draws.uniform((size[0], 1)) ** 3 * 0.3
    out[..., 12] = draws.log_uniform((size[0], 1), 4, 50)
    out[..., 13] = 1
    out[..., 14] = draws.uniform((size[0], 1), 0, 0.3)
    out[..., 15] = draws.uniform((size[0], 1), 0, 9)
    return out.contiguous()


def _athletes(count: int, rng: np.random.Generator, device: torch.device) -> _Bank:
    people = wardrobe.sample_bodies(rng, count)

    def tensor(values: Array) -> Tensor:
        return torch.as_tensor(np.asarray(values, np.float32), device=device)

    shape = people.shape.map(tensor)
    style = motions.sample_style(rng, count, spread=float(rng.choice([0.7, 1.0, 1.6])))
    style = motions.Style(
        gains=tensor(style.gains), offsets_deg=tensor(style.offsets_deg), mirror=tensor(style.mirror)
    )
    phase = tensor(rng.random(count))
    actions = list(motions.ACTIONS.values())
    kind = torch.as_tensor(rng.integers(len(actions), size=count), device=device)
    angles = torch.stack([motions.joint_angles(a, phase, style) for a in actions])
    flights = torch.stack([motions.periodic(a.flight_m[:, None], phase)[:, 0] for a in actions])
    everyone = torch.arange(count, device=device)
    rotations = motions.joint_rotations(angles[kind, everyone])
    height = motions.hip_height(shape, rotations) + flights[kind, everyone] * shape.stature_m / 1.75
    root = torch.stack([torch.zeros_like(height), height, torch.zeros_like(height)], -1)
    vertices, joints = bodies.pose_mesh(shape, rotations, root)
    rest = bodies.rest_vertices(shape, bodies.rest_joints(bodies.bone_offsets(shape)))
    rest[..., 1] += _HIP_OVER_STATURE * shape.stature_m[:, None]
    return _Bank(
        vertices=vertices,
        joints=joints,
        rest=rest,
        palette=tensor(people.palette) ** 2.2,
        stature_m=shape.stature_m,
    )

"""Bodies of the mesh pack as a cast: random shapes, poses and looks."""

import torch
from torch import Tensor

from trt_build.training.draws import Draws
from trt_build.training.mesh_pack import MeshPack
from trt_build.training.meshes import Meshes
from trt_build.training.poses import random_poses
from trt_build.training.posing import pose_bodies
from trt_build.training.shapes import ShapeBank
from trt_build.training.wardrobe import dress

LIFTED_SHARE = 0.8
"""Bodies whose lowest point is put on the ground; the others float or sink as captured."""


class PackCast:
    """Draws bodies from a bank of shapes."""

    def __init__(self, pack: MeshPack, bank: ShapeBank) -> None:
        self._pack, self._bank = pack, bank

    def bodies(self, count: int, draws: Draws) -> Meshes:
        """`count` random bodies in random poses and looks."""
        shape = draws.integers((count,), len(self._bank.rest))
        rotations, height = random_poses(self._pack, count, draws)
        looks = dress(self._pack, count, draws)
        posed = pose_bodies(self._pack, self._bank, shape, rotations, height, looks.push_m)
        lift = self._lift(posed.vertices, draws)
        return Meshes(
            vertices=posed.vertices + lift,
            normals=posed.normals,
            joints=posed.joints + lift,
            stature_m=self._bank.stature_m[shape],
            rest=self._bank.rest,
            rest_of=shape.int(),
            triangles=self._pack.triangles,
            slots=self._pack.triangle_slot,
            materials=looks.materials,
            weights=self._pack.vertex_area,
        )

    def _lift(self, vertices: Tensor, draws: Draws) -> Tensor:
        """Offsets [I, 1, 3] that put soles on the ground; some bodies are in the air."""
        count = len(vertices)
        sole = vertices[:, self._pack.vertex_area > 0, 1].amin(1)
        aloft = draws.uniform((count,), 0, 0.6) * draws.chance((count,), 0.12)
        rise = torch.where(draws.chance((count,), LIFTED_SHARE), -sole, 0) + aloft
        return torch.stack([torch.zeros_like(rise), rise, torch.zeros_like(rise)], 1)[:, None]

"""Things that are no people: clusters of rounded boxes, rods and balls; furniture, posts, trees, animals."""

import math

import torch
from torch import Tensor

from trt_build.training.draws import Draws
from trt_build.training.meshes import Meshes
from trt_build.training.posing import about
from trt_build.training.shapes import vertex_normals
from trt_build.training.wardrobe import random_fabrics

PIECES = 10
_RINGS, _SECTORS = 8, 12


def _sphere(device: torch.device) -> tuple[Tensor, Tensor]:
    """Angles [V, 2] (latitude, longitude) of a grid and its triangles [T, 3], outward counter-clockwise."""
    latitude = torch.linspace(-math.pi / 2, math.pi / 2, _RINGS, device=device)
    longitude = torch.arange(_SECTORS, device=device) * (2 * math.pi / _SECTORS)
    grid = torch.stack(torch.meshgrid(latitude, longitude, indexing="ij"), -1).reshape(-1, 2)
    ring, sector = torch.meshgrid(
        torch.arange(_RINGS - 1, device=device), torch.arange(_SECTORS, device=device), indexing="ij"
    )
    a = (ring * _SECTORS + sector).reshape(-1)
    b = (ring * _SECTORS + (sector + 1) % _SECTORS).reshape(-1)
    c, d = a + _SECTORS, b + _SECTORS
    return grid, torch.cat([torch.stack([a, c, b], 1), torch.stack([b, c, d], 1)])


def _signed_power(x: Tensor, exponent: Tensor) -> Tensor:
    return x.sign() * x.abs().clamp(min=1e-6) ** exponent


class Clutter:
    """A cast of things."""

    def __init__(self, device: torch.device) -> None:
        self._grid, piece = _sphere(device)
        shift = torch.arange(PIECES, device=device)[:, None, None] * len(self._grid)
        self._triangles = (piece[None] + shift).reshape(-1, 3).int().contiguous()
        self._slots = torch.arange(PIECES, device=device).repeat_interleave(len(piece)).int()

    def bodies(self, count: int, draws: Draws) -> Meshes:
        """`count` clusters, 0.2 to 3 m."""
        vertices = self._clusters(count, draws)
        low = vertices[..., 1].amin(1)
        vertices[..., 1] -= low[:, None]
        materials = random_fabrics(draws, (count, PIECES))
        same = draws.chance((count, 1), 0.5)[..., None]
        materials = torch.where(same, materials[:, :1], materials)
        materials[:, :, 13] = draws.chance((count, PIECES), 0.8).float()
        return Meshes(
            vertices=vertices,
            normals=vertex_normals(vertices, self._triangles),
            joints=vertices.new_zeros((count, 0, 3)),
            stature_m=(vertices[..., 1].amax(1)).clamp(min=0.2),
            rest=vertices.contiguous(),
            rest_of=torch.arange(count, device=draws.device).int(),
            triangles=self._triangles,
            slots=self._slots,
            materials=materials.contiguous(),
            weights=torch.ones(vertices.shape[1], device=draws.device),
        )

    def _clusters(self, count: int, draws: Draws) -> Tensor:
        size = (count, PIECES)
        exponent = draws.choice((count, PIECES, 2), (1, 1, 1)).float() * 0.45 + 0.1
        latitude, longitude = self._grid[:, 0], self._grid[:, 1]
        wide = _signed_power(latitude.cos(), exponent[..., :1])
        unit = torch.stack(
            [
                wide * _signed_power(longitude.cos(), exponent[..., 1:]),
                _signed_power(latitude.sin(), exponent[..., :1]),
                wide * _signed_power(longitude.sin(), exponent[..., 1:]),
            ],
            -1,
        )
        extent, centre, rotation = self._arrangement(count, draws)
        turned = (unit * extent[:, :, None]) @ rotation.transpose(-1, -2)
        return (turned + centre[:, :, None]).reshape(count, size[1] * len(self._grid), 3)

    def _arrangement(self, count: int, draws: Draws) -> tuple[Tensor, Tensor, Tensor]:
        """Half sizes and centres [I, PIECES, 3] and rotations of the pieces: heaps, rods or four-legged."""
        size = (count, PIECES)
        long = draws.log_uniform((*size, 1), 0.15, 1.0)
        slim = draws.log_uniform((*size, 2), 0.03, 0.5) * long
        extent = torch.cat([slim[..., :1], long, slim[..., 1:]], -1)
        spread = draws.log_uniform((count, 1, 3), 0.05, 1.0)
        centre = draws.normal((*size, 3)) * spread
        axis = draws.normal((*size, 3))
        axis = axis / axis.norm(dim=-1, keepdim=True)
        turn = draws.uniform(size, -math.pi, math.pi) * draws.chance((count, 1), 0.6)
        rotation = about(axis, turn)
        beast = draws.chance((count,), 0.25)
        legs, places = _beasts(count, draws)
        extent = torch.where(beast[:, None, None], legs, extent)
        centre = torch.where(beast[:, None, None], places, centre)
        tilt = about(axis, turn * 0.06)
        rotation = torch.where(beast[:, None, None, None], tilt, rotation)
        yaw = about(
            torch.tensor([0.0, 1.0, 0.0], device=draws.device).expand(count, 3),
            draws.uniform((count,), -math.pi, math.pi),
        )
        return extent, (centre @ yaw.transpose(-1, -2)), yaw[:, None] @ rotation


def _beasts(count: int, draws: Draws) -> tuple[Tensor, Tensor]:
    """Half sizes and centres [I, PIECES, 3] of tables and animals: a slab on legs, a head, small parts."""
    length = draws.log_uniform((count,), 0.3, 1.2)
    tall = draws.log_uniform((count,), 0.2, 1.0)
    wide = length * draws.uniform((count,), 0.2, 0.6)
    thick = draws.log_uniform((count,), 0.03, 0.3)
    leg = draws.log_uniform((count,), 0.02, 0.07)
    extent = torch.full((count, PIECES, 3), 0.02, device=draws.device)
    centre = torch.zeros_like(extent)
    extent[:, 0] = torch.stack([length, thick, wide], 1)
    centre[:, 0, 1] = tall + thick
    for k in range(4):
        extent[:, 1 + k] = torch.stack([leg, tall / 2, leg], 1)
        x, z = (1 if k & 1 else -1) * 0.85 * length, (1 if k & 2 else -1) * 0.8 * wide
        centre[:, 1 + k] = torch.stack([x, tall / 2, z], 1)
    head = draws.uniform((count,), 0.08, 0.2)
    extent[:, 5] = head[:, None] * draws.uniform((count, 3), 0.6, 1.4)
    centre[:, 5] = torch.stack([length + head, tall + thick * 2 + head, torch.zeros_like(head)], 1)
    extent[:, 6:] = draws.log_uniform((count, PIECES - 6, 3), 0.02, 0.25)
    centre[:, 6:] = draws.normal((count, PIECES - 6, 3), 0.4) + torch.tensor(
        [0.0, 0.8, 0.0], device=draws.device
    )
    return extent, centre

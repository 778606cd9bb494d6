"""What every source of drawable bodies and things gives to the scenes."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from trt_build.training.cameras import Cameras
from trt_build.training.drawing import Layer
from trt_build.training.draws import Draws


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Meshes:
    """I meshes of one topology around the origin of the world: metres, y up."""

    vertices: Tensor
    """[I, V, 3]."""
    normals: Tensor
    """[I, V, 3]."""
    joints: Tensor
    """[I, 26, 3], or [I, 0, 3] for things."""
    stature_m: Tensor
    """[I] height when upright."""
    rest: Tensor
    """[R, V, 3] places that carry the texture."""
    rest_of: Tensor
    """[I] int32 row of `rest`."""
    triangles: Tensor
    """[T, 3] int32."""
    slots: Tensor
    """[T] int32 material slot."""
    materials: Tensor
    """[I, slots, 16]."""
    weights: Tensor
    """[V] share of the surface at each vertex; 0 where a vertex is no part of the body's outline."""


class Cast(Protocol):
    """A source of bodies."""

    def bodies(self, count: int, draws: Draws) -> Meshes:
        """`count` random bodies in random poses and looks."""
        ...


def moved(meshes: Meshes, offset: Tensor) -> Meshes:
    """The meshes shifted by offset [I, 3] metres."""
    return _replaced(meshes, meshes.vertices + offset[:, None], meshes.joints + offset[:, None])


def _replaced(meshes: Meshes, vertices: Tensor, joints: Tensor) -> Meshes:
    return Meshes(
        vertices=vertices,
        normals=meshes.normals,
        joints=joints,
        stature_m=meshes.stature_m,
        rest=meshes.rest,
        rest_of=meshes.rest_of,
        triangles=meshes.triangles,
        slots=meshes.slots,
        materials=meshes.materials,
        weights=meshes.weights,
    )


def to_layer(meshes: Meshes, cameras: Cameras, image: Tensor, samples: int) -> Layer:
    """The meshes on the screens of pictures `image` [I]."""
    screen = cameras.project(meshes.vertices, image)
    scale = screen.new_tensor([samples, samples, 1.0])
    return Layer(
        screen=(screen * scale).contiguous(),
        normals=cameras.turn(meshes.normals, image).contiguous(),
        rest=meshes.rest,
        rest_of=meshes.rest_of,
        triangles=meshes.triangles,
        slots=meshes.slots,
        materials=meshes.materials,
        image=image.int(),
    )


def outlines(points: Tensor, weights: Tensor) -> Tensor:
    """Boxes x1 y1 x2 y2 [I, 4] around the vertices [I, V, 3] that have weight."""
    body = points[:, weights > 0, :2]
    return torch.cat([body.amin(1), body.amax(1)], 1)

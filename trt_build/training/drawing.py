"""Draws layers of meshes into pictures: depth buffer, shading, and who is seen where."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trt_build.training import kernels

MATERIAL_SIZE = 16
LIGHT_SIZE = 16
STRIPES = 4
"""Threads that share one triangle's rows."""
_EMPTY = -1
"""An untouched sample: all bits set, the largest key."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """I meshes of one topology, placed on the screens of B pictures."""

    screen: Tensor
    """[I, V, 3] x and y in samples, depth in metres."""
    normals: Tensor
    """[I, V, 3] camera frame."""
    rest: Tensor
    """[R, V, 3] places that carry the texture, metres."""
    rest_of: Tensor
    """[I] int32 row of `rest`."""
    triangles: Tensor
    """[T, 3] int32."""
    slots: Tensor
    """[T] int32 material slot."""
    materials: Tensor
    """[I, slots, 16], see kernels.cu."""
    image: Tensor
    """[I] int32 the picture that each mesh is in."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Screen:
    """Geometry and light of B pictures of h x w pixels."""

    height: int
    width: int
    samples: int
    """Samples per pixel and axis."""
    sizes: Tensor
    """[B, 2] int32 width and height in samples; nothing is drawn beyond."""
    every: Tensor
    """[B] int32: 1 takes all samples of a pixel, `samples` only the first (aliased, as a plain resize is)."""
    lights: Tensor
    """[B, 16], see kernels.cu."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """What was drawn."""

    colour: Tensor
    """[B, 4, h, w] premultiplied linear RGB and coverage."""
    nearest: Tensor
    """[B, h * samples, w * samples] int64 keys: depth, instance (over all layers), triangle; -1 empty."""


def draw(layers: Sequence[Layer], screen: Screen) -> Drawing:
    """Depth-buffer all layers together, then shade them. Instances are numbered through the layers."""
    pictures = len(screen.sizes)
    height, width = screen.height * screen.samples, screen.width * screen.samples
    device = screen.sizes.device
    nearest = torch.full((pictures, height, width), _EMPTY, dtype=torch.int64, device=device)
    colour = torch.zeros((pictures, 4, screen.height, screen.width), device=device)
    firsts = first_instances(layers)
    for layer, first in zip(layers, firsts, strict=True):
        _raster(layer, screen.sizes, nearest, first)
    for layer, first in zip(layers, firsts, strict=True):
        _shade(layer, screen, nearest, colour, first)
    return Drawing(colour=colour, nearest=nearest)


def first_instances(layers: Sequence[Layer]) -> list[int]:
    """Number of the first instance of each layer."""
    counts = [len(layer.screen) for layer in layers]
    return [sum(counts[:k]) for k in range(len(counts))]


def _raster(layer: Layer, sizes: Tensor, nearest: Tensor, first: int) -> None:
    bodies, vertices, _ = layer.screen.shape
    triangles = len(layer.triangles)
    kernels.start(
        "raster", layer.screen, layer.triangles, layer.slots, layer.materials, layer.image, sizes, nearest,
        first, vertices, triangles, layer.materials.shape[1], nearest.shape[1], nearest.shape[2],
        STRIPES, count=bodies * triangles * STRIPES,
    )  # fmt: skip


def _shade(layer: Layer, screen: Screen, nearest: Tensor, colour: Tensor, first: int) -> None:
    bodies, vertices, _ = layer.screen.shape
    kernels.start(
        "shade", nearest, layer.screen, layer.normals, layer.rest, layer.rest_of, layer.triangles,
        layer.slots, layer.materials, screen.lights, screen.every, colour,
        first, bodies, vertices, layer.materials.shape[1], nearest.shape[1], nearest.shape[2], screen.samples,
        count=colour[:, 0].numel(),
    )  # fmt: skip


def owner_at(nearest: Tensor, image: Tensor, points: Tensor, sizes: Tensor) -> Tensor:
    """Instance seen at points [I, N, 2+] (samples) of pictures [I]; -1 nothing, -2 outside the picture."""
    column, row = points[..., 0].floor().long(), points[..., 1].floor().long()
    size = sizes.long()[image.long()]
    inside = (column >= 0) & (row >= 0) & (column < size[:, :1]) & (row < size[:, 1:])
    flat = image.long()[:, None] * nearest[0].numel() + row * nearest.shape[2] + column
    keys = nearest.reshape(-1)[torch.where(inside, flat, 0)]
    owner = torch.where(keys == _EMPTY, -1, (keys & 0xFFFFFFFF) >> 16)
    return torch.where(inside, owner, -2)


def seen_share(layer: Layer, first: int, nearest: Tensor, sizes: Tensor, weights: Tensor) -> Tensor:
    """Share [I] of each body, by vertex weights [V], that is in its picture with nothing else before it."""
    owner = owner_at(nearest, layer.image, layer.screen, sizes)
    own = first + torch.arange(len(owner), device=owner.device)[:, None]
    return ((owner == own) * weights).sum(1) / weights.sum()

"""Crops for the pose network: one person each, cut the official HRNet way, with the 26 joints."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trt_build.training.backdrops import SHAPE_SIZE, paint, random_lights
from trt_build.training.cameras import Cameras, tilted
from trt_build.training.clutter import Clutter
from trt_build.training.degrade import degrade
from trt_build.training.drawing import Screen, draw, owner_at
from trt_build.training.draws import Draws
from trt_build.training.meshes import Cast, Meshes, moved, outlines, to_layer

FULL_HW_PX = (256, 192)
ENLARGEMENT = 1.25
SAMPLES = 2
HIDDEN_WEIGHT = 0.5
"""Of a joint behind something else, when one in sight counts 1."""
FAR_AWAY = 99.0
"""A picture edge that no crop reaches, in box sizes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseBatch:
    """B crops with their truth."""

    images: Tensor
    """[B, 3, h, w] RGB 0..255."""
    joints_px: Tensor
    """[B, 26, 2] crop pixels, the centre of the first pixel at 0 (OpenCV's and the official convention)."""
    weights: Tensor
    """[B, 26] 1 in the picture, less behind others, 0 outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CropLook:
    """What all crops have in common."""

    hw_px: tuple[int, int]
    spoilt_share: float
    """Share that is blurred, noisy or compressed; half of it is turned."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cut:
    """The crop's camera and the edges of the picture it was cut from."""

    look: CropLook
    cameras: Cameras
    edges: Tensor
    """[B, 4] picture edges x1 y1 x2 y2, units of the plane at depth 1."""
    angle: Tensor
    """[B] rotation of the crop."""
    scale: Tensor
    """[B] crop pixels per unit of the plane at depth 1."""
    centre: Tensor
    """[B, 2] centre of the crop on that plane."""


class PoseCrops:
    """Makes batches from casts of people, in equal parts."""

    def __init__(
        self,
        casts: tuple[Cast, ...],
        device: torch.device,
        hw_px: tuple[int, int] = FULL_HW_PX,
        spoilt_share: float = 1.0,
    ) -> None:
        self._casts, self._look = casts, CropLook(hw_px=hw_px, spoilt_share=spoilt_share)
        self._clutter = Clutter(device)

    def batch(self, count: int, draws: Draws) -> PoseBatch:
        """`count` crops."""
        everyone = torch.randperm(count, device=draws.device)
        parts = everyone.tensor_split(len(self._casts))
        cameras, place = _viewpoints(count, draws)
        people = [moved(c.bodies(len(p), draws), place[p]) for c, p in zip(self._casts, parts, strict=True)]
        edges = torch.empty((count, 4), device=draws.device)
        for meshes, part in zip(people, parts, strict=True):
            edges[part] = outlines(cameras.project(meshes.vertices, part), meshes.weights)
        cut = _cuts(cameras, edges, self._look, draws)
        other = draws.integers((count // 3,), count)
        crowd = self._casts[0].bodies(len(other), draws)
        near = draws.integers((count // 3,), count)
        things = self._clutter.bodies(len(near), draws)
        extras = [_beside(crowd, other, place, draws, 0.6), _beside(things, near, place, draws, 0.5)]
        return _crops(people, parts, extras, [other, near], cut, draws)


def _viewpoints(count: int, draws: Draws) -> tuple[Cameras, Tensor]:
    """Cameras of focal length 1 and the people's places: 1.8 to 30 m off, rarely from high up."""
    pitch = draws.normal((count,), 0.13) + 0.1
    pitch = torch.where(draws.chance((count,), 0.1), draws.uniform((count,), 0.3, 1.0), pitch)
    rotation = tilted(pitch, draws.normal((count,), 0.05))
    one = torch.ones(count, device=draws.device)
    origin = torch.zeros((count, 3), device=draws.device)
    cameras = Cameras(rotation=rotation, position=origin, focal_px=one, centre_px=origin[:, :2])
    off = draws.normal((count, 2)) * 0.2
    depth = draws.log_uniform((count,), 1.9, 30)
    place = cameras.ray(off, torch.arange(count, device=draws.device)) * depth[:, None]
    place[:, 1] -= 0.9
    return cameras, place


def _beside(meshes: Meshes, image: Tensor, place: Tensor, draws: Draws, spread: float) -> Meshes:
    """The meshes near the people of their pictures."""
    count = len(image)
    offset = draws.normal((count, 3)) * torch.tensor([spread, 0.15, 1.0], device=draws.device)
    offset[:, 0] += spread * offset[:, 0].sign()
    return moved(meshes, place[image] + offset)


def _cuts(cameras: Cameras, outline: Tensor, look: CropLook, draws: Draws) -> _Cut:
    """Boxes as a detector gives them (clipped, inexact), widened to the crop's aspect and turned."""
    count, (height_px, width_px) = len(outline), look.hw_px
    extent = outline[:, 2:] - outline[:, :2]
    reach = draws.uniform((count, 4), 0, 0.7)
    reach = torch.where(draws.chance((count, 4), 0.12), -draws.uniform((count, 4), 0, 0.4), reach)
    reach = torch.where(draws.chance((count, 4), 0.55), FAR_AWAY, reach) * extent.repeat(1, 2)
    picture = torch.cat([outline[:, :2] - reach[:, :2], outline[:, 2:] + reach[:, 2:]], 1)
    box = torch.cat(
        [torch.maximum(outline[:, :2], picture[:, :2]), torch.minimum(outline[:, 2:], picture[:, 2:])], 1
    )
    box = box + draws.normal((count, 4), 0.04) * (box[:, 2:] - box[:, :2]).repeat(1, 2)
    centre, size = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).clamp(min=1e-4)
    height = torch.maximum(size[:, 1], size[:, 0] * height_px / width_px)
    height = height * ENLARGEMENT * torch.exp(draws.normal((count,), 0.12).clamp(-0.3, 0.3))
    scale = height_px / height
    angle = draws.normal((count,), 0.3).clamp(-0.75, 0.75) * draws.chance((count,), 0.5 * look.spoilt_share)
    c, s = angle.cos(), angle.sin()
    turn = torch.stack([c, -s, s, c], 1).reshape(count, 2, 2)
    shift = scale[:, None] * (turn @ centre[..., None])[..., 0]
    middle = _middle(look.hw_px, draws.device)
    whole = torch.eye(3, device=draws.device).repeat(count, 1, 1)
    whole[:, :2, :2] = turn
    cropping = Cameras(
        rotation=whole @ cameras.rotation, position=cameras.position, focal_px=scale, centre_px=middle - shift
    )
    return _Cut(look=look, cameras=cropping, edges=picture, angle=angle, scale=scale, centre=centre)


def _crops(
    people: list[Meshes], parts: tuple[Tensor, ...], extras: list[Meshes], images: list[Tensor],
    cut: _Cut, draws: Draws,
) -> PoseBatch:  # fmt: skip
    cameras, count, (height, width) = cut.cameras, len(cut.angle), cut.look.hw_px
    layers = [
        to_layer(m, cameras, i, SAMPLES) for m, i in zip([*people, *extras], [*parts, *images], strict=True)
    ]
    sizes = torch.tensor([width, height], device=draws.device).repeat(count, 1) * SAMPLES
    sizes = sizes.int().contiguous()
    screen = Screen(
        height=height, width=width, samples=SAMPLES, sizes=sizes,
        every=torch.where(draws.chance((count,), 0.3), SAMPLES, 1).int(),
        lights=random_lights(cameras, draws),
    )  # fmt: skip
    drawing = draw(layers, screen)
    nothing = torch.zeros((count, 1, SHAPE_SIZE), device=draws.device)
    back = paint(cameras, draws.chance((count,), 0.6), (height, width), nothing, draws)
    spoilt = degrade(drawing.colour[:, :3] + back * (1 - drawing.colour[:, 3:]), draws, cut.look.spoilt_share)
    joints = torch.empty((count, 26, 2), device=draws.device)
    own = torch.empty(count, dtype=torch.int64, device=draws.device)
    number = 0
    for meshes, part in zip(people, parts, strict=True):
        joints[part] = cameras.project(meshes.joints, part)[..., :2]
        own[part] = number + torch.arange(len(part), device=draws.device)
        number += len(part)
    everyone = torch.arange(count, device=draws.device)
    owner = owner_at(drawing.nearest, everyone, joints * SAMPLES, sizes)
    behind = (owner >= 0) & (owner != own[:, None])
    inside = _in_picture(joints, cut) & (owner != -2)
    weights = inside.float() * torch.where(behind, HIDDEN_WEIGHT, 1.0)
    images_px = _blackened(spoilt, cut)
    return PoseBatch(images=images_px, joints_px=joints - 0.5, weights=weights)


def _middle(hw_px: tuple[int, int], device: torch.device) -> Tensor:
    """Where the box's centre falls: the official warp maps it to size / 2, first pixel's centre at 0."""
    return torch.tensor([hw_px[1] / 2, hw_px[0] / 2], device=device) + 0.5


def _in_picture(points_px: Tensor, cut: _Cut) -> Tensor:
    """Which crop points [B, N, 2] lie inside the picture that the crop was cut from."""
    middle = _middle(cut.look.hw_px, points_px.device)
    c, s = cut.angle.cos()[:, None], cut.angle.sin()[:, None]
    x, y = ((points_px - middle) / cut.scale[:, None, None]).unbind(-1)
    x, y = x * c + y * s + cut.centre[:, :1], y * c - x * s + cut.centre[:, 1:]
    edges = cut.edges[:, None]
    return (x >= edges[..., 0]) & (y >= edges[..., 1]) & (x <= edges[..., 2]) & (y <= edges[..., 3])


def _blackened(pictures: Tensor, cut: _Cut) -> Tensor:
    """Black where the crop reaches beyond the picture, as cv2.warpAffine leaves it."""
    height, width = cut.look.hw_px
    y, x = torch.meshgrid(
        torch.arange(height, device=pictures.device) + 0.5,
        torch.arange(width, device=pictures.device) + 0.5,
        indexing="ij",
    )
    grid = torch.stack([x, y], -1).reshape(1, -1, 2).expand(len(pictures), -1, 2)
    inside = _in_picture(grid, cut).reshape(len(pictures), 1, height, width)
    return torch.where(inside, pictures, 0.0)

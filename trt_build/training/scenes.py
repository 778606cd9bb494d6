"""Pictures for the detector: letterboxed scenes with 0 to 8 people, things around them, and true boxes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from model_repository.glue.boxes import Size
from trt_build.training.backdrops import paint, random_lights, shadows
from trt_build.training.cameras import Cameras, tilted
from trt_build.training.clutter import Clutter
from trt_build.training.degrade import degrade
from trt_build.training.drawing import Screen, draw, first_instances, seen_share
from trt_build.training.draws import Draws
from trt_build.training.meshes import Cast, Meshes, moved, outlines, to_layer

PADDING = 114.0
SAMPLES = 2
MAX_PEOPLE = 10
PEOPLE_WEIGHTS = (12, 26, 16, 12, 9, 8, 7, 5, 5)
"""How often a picture has 0, 1, ... 8 people."""
MIN_SEEN = 1 / 3
GATHERED_SHARE = 0.45
GATHERED_REACH = (0.06, 0.5)
"""How far people stand from where they gather, shares of their height: from behind one another to apart."""
GONE = 0.04
"""Below this share a person leaves no trace in the truth."""
MIN_HEIGHT_PX = 11.0
_ASPECTS = (16 / 9, 16 / 9, 16 / 9, 16 / 9, 9 / 16, 4 / 3, 1.0, 3 / 4, 21 / 9)
"""Width over height of the pictures, in equal parts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectorBatch:
    """B letterboxed pictures with their truth."""

    images: Tensor
    """[B, 3, height, width] RGB 0..255."""
    boxes_px: Tensor
    """[B, MAX_PEOPLE, 4] x1 y1 x2 y2."""
    counts: Tensor
    """[B, MAX_PEOPLE] people to find."""
    ignored: Tensor
    """[B, MAX_PEOPLE] people too hidden or too small to be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stage:
    """Where and how big things stand in each picture."""

    input_hw: Size
    """Of the network's input."""
    spoilt_share: float
    """Share of the pictures that are blurred, noisy or compressed."""
    cameras: Cameras
    content_px: Tensor
    """[B, 2] width and height of the picture inside the letterbox."""
    height_px: Tensor
    """[B] typical height of a person."""
    grounded: Tensor
    """[B] whether people stand on one ground plane."""
    gathered: Tensor
    """[B] whether people stand close together, in part behind one another."""
    meeting: Tensor
    """[B, 2] where they gather, shares of the content."""
    reach: Tensor
    """[B] how far they stand from there, shares of their height."""


class DetectorScenes:
    """Makes batches from casts of people, in equal parts."""

    def __init__(
        self,
        casts: tuple[Cast, ...],
        device: torch.device,
        input_hw: Size,
        spoilt_share: float = 1.0,
    ) -> None:
        self._casts, self._input_hw, self._spoilt_share = casts, input_hw, spoilt_share
        self._clutter = Clutter(device)

    def batch(self, count: int, draws: Draws) -> DetectorBatch:
        """`count` pictures."""
        stage = _stages((count, self._input_hw, self._spoilt_share), draws)
        people, images = [], []
        for meshes, image in self._people(count, draws):
            people.append(_placed(meshes, image, stage, draws, 1.0))
            images.append(image)
        image = torch.randint(count, (count,), device=draws.device)
        things = _placed(self._clutter.bodies(count, draws), image, stage, draws, 1.6)
        return _pictures([*people, things], [*images, image], stage, draws)

    def _people(self, count: int, draws: Draws) -> list[tuple[Meshes, Tensor]]:
        """Each cast's people and the picture of each, at most MAX_PEOPLE to a picture."""
        number = draws.choice((count,), PEOPLE_WEIGHTS)
        image = torch.arange(count, device=draws.device).repeat_interleave(number)
        image = image[torch.randperm(len(image), device=draws.device)]
        parts = image.tensor_split(len(self._casts))
        return [(cast.bodies(len(part), draws), part) for cast, part in zip(self._casts, parts, strict=True)]


def _stages(wanted: tuple[int, Size, float], draws: Draws) -> _Stage:
    """`wanted`: number of pictures, size of the network's input, the share of spoilt ones."""
    count, input_hw, spoilt_share = wanted
    content = torch.tensor([content_px(aspect, input_hw) for aspect in _ASPECTS], device=draws.device)
    content = content[draws.integers((count,), len(_ASPECTS))].float()
    focal = draws.log_uniform((count,), 0.7, 3.0) * content.amax(1)
    pitch = draws.normal((count,), 0.13) + 0.12
    pitch = torch.where(draws.chance((count,), 0.08), draws.uniform((count,), 0.3, 0.9), pitch)
    rotation = tilted(pitch, draws.normal((count,), 0.05))
    height_px = 16 * (content[:, 1] * 1.1 / 16) ** draws.uniform((count,)) ** 0.7
    foot = draws.uniform((count,), 0.45, 1.05) * content[:, 1]
    depth = focal * 1.7 / height_px
    down = (foot - content[:, 1] / 2) / focal
    eye = -depth * (rotation[:, 1, 1] * down + rotation[:, 2, 1])
    position = torch.stack([torch.zeros_like(eye), eye.clamp(0.15, 15), torch.zeros_like(eye)], 1)
    cameras = Cameras(rotation=rotation, position=position, focal_px=focal, centre_px=content / 2)
    return _Stage(
        input_hw=input_hw,
        spoilt_share=spoilt_share,
        cameras=cameras,
        content_px=content,
        height_px=height_px,
        grounded=draws.chance((count,), 0.65),
        gathered=draws.chance((count,), GATHERED_SHARE),
        meeting=draws.uniform((count, 2), 0.15, 0.85),
        reach=draws.log_uniform((count,), *GATHERED_REACH),
    )


def content_px(aspect: float, input_hw: Size) -> tuple[int, int]:
    """Width and height inside the letterbox of a picture that is `aspect` times as wide as high."""
    height, width = input_hw
    return min(width, int(height * aspect)), min(height, int(width / aspect))


def _placed(meshes: Meshes, image: Tensor, stage: _Stage, draws: Draws, spread: float) -> Meshes:
    """The meshes moved to places in their pictures; sizes vary about the picture's by exp(0.35 spread)."""
    count = len(image)
    cameras, content = stage.cameras, stage.content_px[image]
    height_px = stage.height_px[image] * torch.exp(draws.normal((count,), 0.35 * spread))
    height_px = torch.minimum(height_px, 1.5 * content[:, 1])
    depth = cameras.focal_px[image] * meshes.stature_m.clamp(min=0.4) / height_px.clamp(min=10)
    point = _points(image, stage, draws) * content
    free = cameras.position[image] + cameras.ray(point, image) * depth[:, None]
    free[:, 1] -= meshes.stature_m * 0.5
    standing = _on_ground(point, depth, image, cameras)
    return moved(meshes, torch.where(stage.grounded[image][:, None], standing, free))


def _points(image: Tensor, stage: _Stage, draws: Draws) -> Tensor:
    """Where the meshes stand [I, 2], shares of the content: anywhere, or about the meeting point."""
    count = len(image)
    anywhere = torch.stack([draws.uniform((count,), -0.02, 1.02), draws.uniform((count,), 0.05, 0.95)], 1)
    reach = (stage.reach * stage.height_px)[image, None] / stage.content_px[image]
    near = stage.meeting[image] + draws.normal((count, 2)) * reach
    return torch.where(stage.gathered[image, None], near, anywhere)


def _on_ground(point_px: Tensor, depth: Tensor, image: Tensor, cameras: Cameras) -> Tensor:
    """Places [I, 3] on the ground in the column of the pixel, at the given depth."""
    across = (point_px[:, 0] - cameras.centre_px[image][:, 0]) / cameras.focal_px[image]
    turn = cameras.rotation[image]
    drop = -cameras.position[image][:, 1] / depth
    down = (drop - turn[:, 0, 1] * across - turn[:, 2, 1]) / turn[:, 1, 1]
    direction = torch.stack([across, down, torch.ones_like(down)], 1)
    place = cameras.position[image] + (direction[:, None] @ turn)[:, 0] * depth[:, None]
    place[:, 1] = 0
    return place


def _pictures(meshes: list[Meshes], images: list[Tensor], stage: _Stage, draws: Draws) -> DetectorBatch:
    """Draw, spoil, letterbox; the last of `meshes` are things."""
    cameras, count, (height, width) = stage.cameras, len(stage.height_px), stage.input_hw
    layers = [to_layer(m, cameras, i, SAMPLES) for m, i in zip(meshes, images, strict=True)]
    sizes = (stage.content_px * SAMPLES).int().contiguous()
    aliased = draws.chance((count,), 0.4)
    screen = Screen(
        height=height, width=width, samples=SAMPLES, sizes=sizes,
        every=torch.where(aliased, SAMPLES, 1).int(), lights=random_lights(cameras, draws),
    )  # fmt: skip
    drawing = draw(layers, screen)
    image = torch.cat(images[:-1])
    people = list(zip(layers[:-1], meshes[:-1], first_instances(layers), strict=False))
    boxes = torch.cat([outlines(layer.screen / SAMPLES, mesh.weights) for layer, mesh, _ in people])
    near = torch.cat([layer.screen[..., 2].amin(1) for layer, _, _ in people])
    seen = torch.cat(
        [seen_share(layer, first, drawing.nearest, sizes, mesh.weights) for layer, mesh, first in people]
    )
    boxes, place = _clipped(boxes, stage.content_px[image]), _places(image, count)
    shade = _by_picture(_feet_shadows(boxes, draws), image, place, count)
    ground = stage.grounded | draws.chance((count,), 0.4)
    back = paint(cameras, ground, (height, width), shade, draws)
    spoilt = degrade(drawing.colour[:, :3] + back * (1 - drawing.colour[:, 3:]), draws, stage.spoilt_share)
    extent = boxes[:, 2:] - boxes[:, :2]
    present = (seen > GONE) & (extent.amin(1) > 2)
    asked = present & (seen >= MIN_SEEN) & (extent.amax(1) >= MIN_HEIGHT_PX) & (near > 0.1)
    return DetectorBatch(
        images=_letterboxed(spoilt, stage.content_px),
        boxes_px=_by_picture(boxes, image, place, count),
        counts=_by_picture(asked[:, None], image, place, count)[..., 0],
        ignored=_by_picture((present & ~asked)[:, None], image, place, count)[..., 0],
    )


def _feet_shadows(boxes: Tensor, draws: Draws) -> Tensor:
    feet = torch.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], 1)
    return shadows(feet, (boxes[:, 3] - boxes[:, 1]).clamp(min=2), draws)


def _clipped(boxes: Tensor, size: Tensor) -> Tensor:
    low = torch.minimum(boxes[:, :2].clamp(min=0), size)
    high = torch.minimum(boxes[:, 2:].clamp(min=0), size)
    return torch.cat([low, high], 1)


def _places(image: Tensor, count: int) -> Tensor:
    """Number [I] of each person within their picture."""
    order = image.argsort(stable=True)
    totals = torch.bincount(image, minlength=count)
    starts = totals.cumsum(0) - totals
    place = torch.empty_like(image)
    place[order] = torch.arange(len(image), device=image.device) - starts[image[order]]
    return place


def _by_picture(values: Tensor, image: Tensor, place: Tensor, count: int) -> Tensor:
    """Rows [I, n] as [B, MAX_PEOPLE, n], zeros elsewhere."""
    out = values.new_zeros((count, MAX_PEOPLE, values.shape[1]))
    out[image, place] = values
    return out


def _letterboxed(pictures: Tensor, content_px: Tensor) -> Tensor:
    rows, columns = (torch.arange(side, device=pictures.device) for side in pictures.shape[2:])
    inside = (columns < content_px[:, 0, None, None]) & (rows[:, None] < content_px[:, 1, None, None])
    return torch.where(inside[:, None], pictures, PADDING)

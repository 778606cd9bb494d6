"""Random looks for the pack's bodies: skin, hair, clothes, shoes, and how far clothes stand off the skin."""

from dataclasses import dataclass

import torch
from torch import Tensor

from trt_build.training.drawing import MATERIAL_SIZE
from trt_build.training.draws import Draws
from trt_build.training.mesh_pack import HAIR_SLOT, PARTS_PER_SURFACE, SKIRT_SLOT, SLOTS, MeshPack

_TOP_PARTS = (("torso", "abdomen"), ("upperarm",), ("forearm",))
_BOTTOM_PARTS = (("pelvis",), ("thigh",), ("shank",))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """How I bodies look."""

    materials: Tensor
    """[I, SLOTS, 16], see kernels.cu."""
    push_m: Tensor
    """[I, SLOTS] distance of each slot's surface from the skin."""


def random_fabrics(draws: Draws, size: tuple[int, ...]) -> Tensor:
    """Materials [*size, 16] of cloth: plain, striped, checked, blotched, with a print."""
    out = torch.zeros((*size, MATERIAL_SIZE), device=draws.device)
    colours = _cloth_colours(draws, (*size, 2))
    out[..., 0:3], out[..., 3:6] = colours[..., 0, :], colours[..., 1, :]
    out[..., 6] = draws.choice(size, (5, 2, 1, 0.7, 1, 0.7, 1.5)).float()
    out[..., 7] = draws.log_uniform(size, 2.5, 30)
    direction = draws.normal((*size, 3))
    upright = draws.chance(size, 0.6)[..., None]
    level = torch.tensor([0.0, 1.0, 0.0], device=draws.device)
    out[..., 8:11] = torch.where(upright, level, direction / direction.norm(dim=-1, keepdim=True))
    out[..., 11] = draws.uniform(size) ** 3 * 0.5
    out[..., 12] = draws.log_uniform(size, 4, 60)
    out[..., 13] = 1
    out[..., 14] = draws.uniform(size, 0, 0.35)
    out[..., 15] = draws.uniform(size, 0, 9)
    return out


def _cloth_colours(draws: Draws, size: tuple[int, ...]) -> Tensor:
    """Reflectances [*size, 3]: half of them greys, blacks, whites and muted, the rest vivid."""
    value = draws.uniform((*size, 1)) ** 1.5
    tint = draws.uniform((*size, 3))
    vivid = draws.uniform((*size, 1)) ** 2 * draws.chance((*size, 1), 0.6)
    return (value * (1 - vivid) + tint * vivid).clamp(0.01, 0.95)


def skin_colours(draws: Draws, size: tuple[int, ...]) -> Tensor:
    """Reflectances [*size, 3] from dark to fair skin, linear light."""
    dark = torch.tensor([0.09, 0.045, 0.027], device=draws.device)
    fair = torch.tensor([0.78, 0.52, 0.40], device=draws.device)
    share = draws.uniform((*size, 1))
    base = dark * (fair / dark) ** share
    return (base * torch.exp(draws.normal((*size, 3), 0.08))).clamp(0.01, 0.95)


def hair_colours(draws: Draws, size: tuple[int, ...]) -> Tensor:
    """Reflectances [*size, 3]: mostly black and brown, some fair, grey or dyed."""
    tone = draws.log_uniform((*size, 1), 0.01, 0.45)
    warm = torch.tensor([1.25, 0.9, 0.6], device=draws.device)
    colour = torch.where(draws.chance((*size, 1), 0.75), tone * warm, tone.expand(*size, 3))
    return torch.where(draws.chance((*size, 1), 0.05), draws.uniform((*size, 3)), colour).clamp(0.005, 0.9)


def dress(pack: MeshPack, count: int, draws: Draws) -> Looks:
    """Looks for `count` bodies."""
    slots = {name: k for k, name in enumerate(pack.part_names)}
    materials = torch.zeros((count, SLOTS, MATERIAL_SIZE), device=draws.device)
    push = torch.zeros((count, SLOTS), device=draws.device)
    _paint_skin(materials, slots, draws)
    _paint_hair(materials, push, slots, draws)
    cloth = random_fabrics(draws, (count, 4))
    one_piece = draws.chance((count,), 0.12)[:, None]
    cloth[:, 1] = torch.where(one_piece, cloth[:, 0], cloth[:, 1])
    top = draws.choice((count,), (0.06, 0.22, 0.42, 0.30))
    bottom = draws.choice((count,), (0.12, 0.38, 0.44, 0.06))
    loose = draws.uniform((count, 2)) ** 1.5 * 0.03 + 0.002
    looks = Looks(materials=materials, push_m=push)
    _wear(looks, slots, _Garment(cloth=cloth[:, 0], groups=_TOP_PARTS, reach=top, loose_m=loose[:, 0]))
    skirt = bottom == 3
    legs = torch.where(skirt, 1, bottom + 1)
    _wear(looks, slots, _Garment(cloth=cloth[:, 1], groups=_BOTTOM_PARTS, reach=legs, loose_m=loose[:, 1]))
    materials[:, SKIRT_SLOT] = cloth[:, 1] * skirt[:, None]
    _shoe(materials, push, slots, cloth[:, 2:], draws)
    return looks


def _matt(colour: Tensor, draws: Draws, mottle: float) -> Tensor:
    """Plain materials [N, 16] of colours [N, 3] with a little gloss."""
    out = torch.zeros((len(colour), MATERIAL_SIZE), device=colour.device)
    out[:, 0:3] = colour
    out[:, 7] = 10
    out[:, 11] = draws.uniform((len(colour),)) ** 2 * 0.25
    out[:, 12] = draws.log_uniform((len(colour),), 5, 40)
    out[:, 13] = 1
    out[:, 14] = mottle
    out[:, 15] = draws.uniform((len(colour),), 0, 9)
    return out


def _paint_skin(materials: Tensor, slots: dict[str, int], draws: Draws) -> None:
    skin = _matt(skin_colours(draws, (len(materials),)), draws, 0.12)
    materials[:, :PARTS_PER_SURFACE] = skin[:, None]
    materials[:, slots["eyewhite"], 0:3] = 0.7
    materials[:, slots["iris"], 0:3] = hair_colours(draws, (len(materials),))


def _paint_hair(materials: Tensor, push: Tensor, slots: dict[str, int], draws: Draws) -> None:
    count = len(materials)
    hair = _matt(hair_colours(draws, (count,)), draws, 0.4)
    cap = draws.chance((count,), 0.12)[:, None]
    hair = torch.where(cap, random_fabrics(draws, (count,)), hair)
    bald = draws.chance((count,), 0.06)
    scalp = slots["scalp"]
    materials[:, scalp] = torch.where(bald[:, None], materials[:, scalp], hair)
    push[:, scalp] = torch.where(bald, 0, draws.uniform((count,)) ** 2 * 0.045)
    long_hair = draws.chance((count,), 0.25) & ~bald
    materials[:, HAIR_SLOT] = hair * long_hair[:, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Garment:
    """One piece of clothing of I people."""

    cloth: Tensor
    """[I, 16]."""
    groups: tuple[tuple[str, ...], ...]
    """Parts that it may cover, from the trunk outwards."""
    reach: Tensor
    """[I] how many groups it covers."""
    loose_m: Tensor
    """[I] how far it stands off the skin."""


def _wear(looks: Looks, slots: dict[str, int], garment: _Garment) -> None:
    for k, group in enumerate(garment.groups):
        worn = garment.reach > k
        for name in group:
            for part in [slots[p] for p in slots if p in (name, f"{name}_L", f"{name}_R")]:
                _cover(looks, part, garment, worn)


def _cover(looks: Looks, part: int, garment: _Garment, worn: Tensor) -> None:
    """Colour the skin and put on the close shell over it."""
    shell = PARTS_PER_SURFACE + part
    for slot in (part, shell):
        looks.materials[:, slot] = torch.where(worn[:, None], garment.cloth, looks.materials[:, slot])
    looks.push_m[:, shell] = torch.where(worn, garment.loose_m, looks.push_m[:, shell])


def _shoe(materials: Tensor, push: Tensor, slots: dict[str, int], cloth: Tensor, draws: Draws) -> None:
    count = len(materials)
    shod = draws.chance((count,), 0.88)
    gloved = draws.chance((count,), 0.05)
    socks = draws.chance((count,), 0.3)
    thick = draws.uniform((count,), 0.003, 0.013)
    for side in ("_L", "_R"):
        foot, hand, shank = (slots[name + side] for name in ("foot", "hand", "shank"))
        materials[:, foot] = torch.where(shod[:, None], cloth[:, 0], materials[:, foot])
        push[:, foot] = torch.where(shod, thick, push[:, foot])
        materials[:, hand] = torch.where(gloved[:, None], cloth[:, 1], materials[:, hand])
        bare = materials[:, PARTS_PER_SURFACE + shank, 13] == 0
        materials[:, shank] = torch.where((socks & bare)[:, None], cloth[:, 1], materials[:, shank])

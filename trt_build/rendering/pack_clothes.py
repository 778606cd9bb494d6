"""Clothes and colours for the bodies of the mesh pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ingest.rendered.wardrobe import HAIR_TONES, SKIN_TONES, cloth_colour, tone

if TYPE_CHECKING:
    from trt_build.rendering.mesh_pack import MeshPack

Floats = NDArray[np.float64]

_SUNK_M = -0.015
"""Cloth that is not worn lies under the skin."""
_SLEEVES = {"singlet": (), "shirt": ("upperarm",), "long": ("upperarm", "forearm")}
_BOTTOMS = {"shorts": ("pelvis", "thigh"), "tights": ("pelvis", "thigh", "shank"), "briefs": ("pelvis",)}


def _below_hem(pack: MeshPack, parts: NDArray[np.str_], share: float) -> NDArray[np.bool_]:
    """Quads of the thighs in their lower `share`."""
    heights = pack.body["vertices"][pack.used[pack.quads], 1].mean(axis=1).astype(np.float64)
    thigh = parts == "thigh"
    low, high = heights[thigh].min(), heights[thigh].max()
    below: NDArray[np.bool_] = thigh & (heights < low + share * (high - low))
    return below


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outfit:
    """Colours, sRGB in 0..1, and the parts of the body that shirt and shorts cover."""

    skin: Floats
    hair: Floats
    shirt: Floats
    shorts: Floats
    shoe: Floats
    top: tuple[str, ...]
    bottom: tuple[str, ...]


def dress(pack: MeshPack, rng: np.random.Generator) -> tuple[Floats, NDArray[np.float32]]:
    """How far each used vertex stands off the body (metres) and the colour of each triangle [T, 3]."""
    outfit = _sample_outfit(rng)
    parts = np.char.partition(pack.quad_parts.astype(str), "_")[:, 0]
    if "shank" not in outfit.bottom:
        parts = np.where(_below_hem(pack, parts, rng.uniform(0.0, 0.6)), "knee", parts)
    worn = _worn(pack, parts, outfit, rng)
    grain = 1 + rng.normal(0, 0.01, (len(parts), 1))
    colours = np.clip(_colours(parts, outfit) * grain, 0, 1)
    return worn, np.repeat(colours, 2, axis=0).astype(np.float32)


def _sample_outfit(rng: np.random.Generator) -> _Outfit:
    return _Outfit(
        skin=tone(rng, SKIN_TONES),
        hair=tone(rng, HAIR_TONES),
        shirt=cloth_colour(rng),
        shorts=cloth_colour(rng),
        shoe=cloth_colour(rng),
        top=("torso", "abdomen", *_SLEEVES[str(rng.choice(list(_SLEEVES), p=(0.3, 0.5, 0.2)))]),
        bottom=_BOTTOMS[str(rng.choice(list(_BOTTOMS), p=(0.5, 0.4, 0.1)))],
    )


def _colours(parts: NDArray[np.str_], outfit: _Outfit) -> Floats:
    """[quads, 3]"""
    colours: Floats = np.tile(outfit.skin, (len(parts), 1))
    colours[parts == "scalp"] = outfit.hair
    colours[parts == "eyewhite"] = 0.9
    colours[parts == "iris"] = outfit.hair * 0.7
    colours[np.isin(parts, outfit.top)] = outfit.shirt
    colours[np.isin(parts, outfit.bottom)] = outfit.shorts
    colours[parts == "foot"] = outfit.shoe
    return colours


def _worn(pack: MeshPack, parts: NDArray[np.str_], outfit: _Outfit, rng: np.random.Generator) -> Floats:
    """How far hair, shoes and clothes stand off, per used vertex; metres."""
    thickness = np.zeros(len(parts))
    thickness[np.isin(parts, outfit.top)] = rng.uniform(0.001, 0.01)
    thickness[np.isin(parts, outfit.bottom)] = rng.uniform(0.001, 0.008)
    worn = np.zeros(len(pack.used))
    np.maximum.at(worn, pack.quads[parts == "scalp"], rng.uniform(0.003, 0.014))
    np.maximum.at(worn, pack.quads[(parts == "foot") & ~pack.quad_is_cloth], 0.006)
    covered = pack.quad_is_cloth & np.isin(parts, (*outfit.top, *outfit.bottom))
    shell = np.full(len(pack.used), -1.0)
    np.maximum.at(shell, pack.quads[covered], thickness[covered][:, None])
    sunk = np.zeros(len(pack.used), bool)
    sunk[pack.quads[pack.quad_is_cloth]] = True
    return np.where(sunk, np.where(shell >= 0, shell, _SUNK_M), worn)

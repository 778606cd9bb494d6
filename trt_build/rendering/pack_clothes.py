"""Clothes and colours for the bodies of the mesh pack."""

from __future__ import annotations

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


def dress(pack: MeshPack, rng: np.random.Generator) -> tuple[Floats, NDArray[np.float32]]:
    """How far each used vertex stands off the body (metres) and the colour of each triangle [T, 3]."""
    parts = np.char.partition(pack.quad_parts.astype(str), "_")[:, 0]
    skin, hair = tone(rng, SKIN_TONES), tone(rng, HAIR_TONES)
    shirt, shorts, shoe = cloth_colour(rng), cloth_colour(rng), cloth_colour(rng)
    top = ("torso", "abdomen", *_SLEEVES[str(rng.choice(list(_SLEEVES), p=(0.3, 0.5, 0.2)))])
    bottom = _BOTTOMS[str(rng.choice(list(_BOTTOMS), p=(0.5, 0.4, 0.1)))]
    parts = (
        np.where(_below_hem(pack, parts, rng.uniform(0.0, 0.6)), "knee", parts)
        if "shank" not in bottom
        else parts
    )
    colours = np.tile(skin, (len(parts), 1))
    colours[parts == "scalp"] = hair
    colours[parts == "eyewhite"] = 0.9
    colours[parts == "iris"] = hair * 0.7
    colours[np.isin(parts, top)] = shirt
    colours[np.isin(parts, bottom)] = shorts
    colours[parts == "foot"] = shoe
    thickness = np.zeros(len(parts))
    thickness[np.isin(parts, top)] = rng.uniform(0.001, 0.01)
    thickness[np.isin(parts, bottom)] = rng.uniform(0.001, 0.008)
    covered = np.isin(parts, (*top, *bottom))
    worn = np.zeros(len(pack.used))
    np.maximum.at(worn, pack.quads[parts == "scalp"], rng.uniform(0.003, 0.014))
    np.maximum.at(worn, pack.quads[(parts == "foot") & ~pack.quad_is_cloth], 0.006)
    cloth = pack.quad_is_cloth
    shell = np.full(len(pack.used), -1.0)
    np.maximum.at(shell, pack.quads[cloth & covered], thickness[cloth & covered][:, None])
    sunk = np.zeros(len(pack.used), bool)
    sunk[pack.quads[cloth]] = True
    worn = np.where(sunk, np.where(shell >= 0, shell, _SUNK_M), worn)
    grain = 1 + rng.normal(0, 0.01, (len(parts), 1))
    return worn, np.repeat(np.clip(colours * grain, 0, 1), 2, axis=0).astype(np.float32)

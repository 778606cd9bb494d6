"""Who the rendered athletes are and what they wear: random shapes, garments and colours."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ingest.rendered.anatomy import SEGMENTS
from ingest.rendered.bodies import BodyShape
from ingest.rendered.patches import (
    FOREARM_BANDS,
    GIRTHS,
    LAYERS,
    PART,
    PARTS,
    SECTORS,
    SHANK_BANDS,
    TORSO_BANDS,
)
from ingest.rendered.profiles import THIGH_BANDS, UPPER_ARM_BANDS

Floats = NDArray[np.float32]

SKIN_TONES = np.array([
    (246, 214, 190), (238, 198, 168), (224, 178, 142), (205, 155, 116), (178, 126, 88), (146, 98, 66), (112,
    74, 50),
    (84, 56, 40), (62, 42, 32),
]) / 255.0  # fmt: skip
HAIR_TONES = np.array([
    (24, 20, 18), (40, 28, 20), (66, 44, 28), (96, 64, 38), (138, 98, 56), (192, 154, 98), (140, 60, 30),
    (150, 148, 146),
]) / 255.0  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Athletes:
    """n people ready to be posed and coloured."""

    shape: BodyShape
    palette: Floats
    """[n, parts, 3] sRGB in 0..1 of each of `patches.PARTS`."""


def sample_bodies(rng: np.random.Generator, count: int) -> Athletes:
    """`count` random athletes; the same generator state gives the same people."""
    shape = _sample_shape(rng, count)
    palette = np.empty((count, len(PARTS), 3), np.float32)
    for person in range(count):
        palette[person] = _dress(rng, shape.layers_m[person], shape.girths[person])
    return Athletes(shape=shape, palette=palette)


def _sample_shape(rng: np.random.Generator, count: int) -> BodyShape:
    """Statures about 1.66 m (women) and 1.79 m (men), girths from thin to heavy."""
    female = np.where(rng.random(count) < 0.5, rng.uniform(0.75, 1.0, count), rng.uniform(0.0, 0.2, count))
    stature = np.clip(rng.normal(1.79 - 0.13 * female, 0.075), 1.45, 2.08)
    segments = np.clip(rng.normal(1.0, 0.035, (count, len(SEGMENTS))), 0.9, 1.1)
    build = rng.normal(1.0, 0.07, (count, 1))
    girths = np.clip(build * rng.normal(1.0, 0.05, (count, len(GIRTHS))), 0.84, 1.35)
    belly = np.maximum(rng.normal(0.0, 0.08, count), -0.06)
    girths[:, GIRTHS.index("waist")] += belly
    girths[:, GIRTHS.index("head")] = np.clip(rng.normal(1.0, 0.025, count), 0.95, 1.06)
    for fixed in ("none", "foot"):
        girths[:, GIRTHS.index(fixed)] = 1.0
    for option in ("ponytail", "long_hair", "bun", "brim"):
        girths[:, GIRTHS.index(option)] = 0.0
    return BodyShape(
        stature_m=stature.astype(np.float32),
        female=female.astype(np.float32),
        segments=segments.astype(np.float32),
        girths=girths.astype(np.float32),
        layers_m=np.zeros((count, len(LAYERS)), np.float32),
    )


def tone(rng: np.random.Generator, table: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour between two neighbours of `table`, with some scatter."""
    place = rng.uniform(0, len(table) - 1)
    low = int(place)
    mixed = table[low] + (table[min(low + 1, len(table) - 1)] - table[low]) * (place - low)
    return np.clip(mixed + rng.normal(0, 0.015, 3), 0.03, 0.97)


def cloth_colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """Black, white, grey, or any hue."""
    kind = rng.random()
    if kind < 0.22:
        return np.full(3, rng.uniform(0.03, 0.14)) + rng.uniform(0, 0.03, 3)
    if kind < 0.38:
        return np.full(3, rng.uniform(0.82, 0.96))
    if kind < 0.48:
        return np.full(3, rng.uniform(0.25, 0.7))
    hue, saturation, value = rng.random(), rng.uniform(0.35, 1.0), rng.uniform(0.25, 0.98)
    wheel = np.clip(np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1, 0, 1)
    return value * (1 - saturation * (1 - wheel))


def _dress(rng: np.random.Generator, layers_m: Floats, girths: Floats) -> Floats:
    """The palette of one person; thicknesses and hair styles are written into `layers_m` and `girths`."""
    skin = tone(rng, SKIN_TONES)
    palette = np.tile(skin, (len(PARTS), 1))
    palette[PART["lips"]] = skin * np.array([0.9, 0.68, 0.68])
    palette[PART["ear"]] = skin * 0.95
    _head(rng, palette, layers_m, girths)
    _bottoms(rng, palette, layers_m)
    _top(rng, palette, layers_m)
    _footwear(rng, palette, layers_m)
    if rng.random() < 0.05:
        palette[PART["hand"]] = cloth_colour(rng)
    return np.clip(palette, 0.02, 0.98).astype(np.float32)


def _head(rng: np.random.Generator, palette: NDArray[np.float64], layers_m: Floats, girths: Floats) -> None:
    hair = tone(rng, HAIR_TONES)
    palette[PART["brow"]] = (hair + palette[PART["face"]]) / 2
    palette[PART["eye"]] = palette[PART["face"]] * 0.25 + rng.uniform(0.1, 0.45)
    style = rng.choice(["bald", "crop", "short", "thick", "ponytail", "long", "bun", "cap"], p=_HAIR_CHANCES)
    thickness = {"bald": -0.012, "crop": 0.001, "thick": rng.uniform(0.015, 0.045)}.get(
        style, rng.uniform(0.004, 0.012)
    )
    layers_m[LAYERS.index("hair")] = thickness
    palette[PART["scalp"]] = palette[PART["face"]] if style == "bald" else hair
    palette[PART["hair"]] = palette[PART["tail"]] = hair
    if style in ("ponytail", "bun"):
        girths[GIRTHS.index(style)] = rng.uniform(0.85, 1.1)
    if style == "long":
        girths[GIRTHS.index("long_hair")] = rng.uniform(0.95, 1.1)
    if style == "cap":
        palette[PART["hair"]] = palette[PART["brim"]] = cloth_colour(rng)
        girths[GIRTHS.index("brim")] = 1.0


_HAIR_CHANCES = (0.08, 0.16, 0.26, 0.1, 0.16, 0.08, 0.08, 0.08)


def _colour_limb(palette: NDArray[np.float64], name: str, bands: range, colour: NDArray[np.float64]) -> None:
    for band in bands:
        palette[[PART[f"{name}_{band}_outer"], PART[f"{name}_{band}_inner"]]] = colour


def _thicken(layers_m: Floats, name: str, bands: range, thickness_m: float) -> None:
    for band in bands:
        index = LAYERS.index(f"{name}_{band}")
        layers_m[index] = max(float(layers_m[index]), thickness_m)


def _torso(
    palette: NDArray[np.float64],
    bands: range,
    colour: NDArray[np.float64],
    sectors: tuple[str, ...] = SECTORS,
) -> None:
    palette[[PART[f"torso_{band}_{sector}"] for band in bands for sector in sectors]] = colour


def _bottoms(rng: np.random.Generator, palette: NDArray[np.float64], layers_m: Floats) -> None:
    """Briefs, shorts, half tights, tights or trousers, sometimes with a side stripe."""
    colour = cloth_colour(rng)
    kind = rng.choice(
        ["briefs", "shorts", "long_shorts", "half_tights", "tights", "trousers"],
        p=(0.06, 0.28, 0.18, 0.14, 0.18, 0.16),
    )
    thigh = {"briefs": 0, "shorts": int(rng.integers(2, 4)), "long_shorts": 5, "half_tights": 4}.get(
        kind, THIGH_BANDS
    )
    shank = {"tights": SHANK_BANDS, "trousers": SHANK_BANDS}.get(kind, 0)
    if kind == "tights" and rng.random() < 0.3:
        shank = 2
    _torso(palette, range(4), colour)
    _colour_limb(palette, "thigh", range(thigh), colour)
    _colour_limb(palette, "shank", range(shank), colour)
    loose = {
        "shorts": rng.uniform(0.006, 0.03),
        "long_shorts": rng.uniform(0.01, 0.035),
        "trousers": rng.uniform(0.008, 0.025),
    }.get(kind, 0.001)
    for band in range(thigh):
        _thicken(layers_m, "thigh", range(band, band + 1), loose * (0.35 + 0.65 * band / max(thigh - 1, 1)))
    _thicken(layers_m, "shank", range(shank), loose)
    _thicken(layers_m, "torso", range(1, 4), min(loose, 0.01))
    if rng.random() < 0.3:
        stripe = cloth_colour(rng)
        palette[[PART[f"thigh_{band}_outer"] for band in range(thigh)]] = stripe
        palette[[PART[f"shank_{band}_outer"] for band in range(shank)]] = stripe


def _top(rng: np.random.Generator, palette: NDArray[np.float64], layers_m: Floats) -> None:
    """Nothing, crop top, singlet, T-shirt or long sleeves, with patterns."""
    kind = rng.choice(["bare", "crop", "singlet", "shirt", "long"], p=(0.04, 0.08, 0.22, 0.46, 0.2))
    if kind == "bare":
        return
    colour = cloth_colour(rng)
    bottom = {"crop": 8}.get(kind, int(rng.integers(1, 5)))
    bands = range(bottom, TORSO_BANDS if kind in ("shirt", "long") else TORSO_BANDS - 1)
    _torso(palette, bands, colour)
    loose = rng.uniform(0.0, 0.022) if kind not in ("crop",) else 0.001
    for band in bands:
        _thicken(layers_m, "torso", range(band, band + 1), loose * (1.0 if band < 9 else 0.5))
    sleeve = {"shirt": int(rng.integers(1, UPPER_ARM_BANDS)), "long": UPPER_ARM_BANDS}.get(kind, 0)
    forearm = int(rng.integers(2, FOREARM_BANDS + 1)) if kind == "long" else 0
    _colour_limb(palette, "upper_arm", range(sleeve), colour)
    _colour_limb(palette, "forearm", range(forearm), colour)
    _thicken(layers_m, "upper_arm", range(sleeve), loose * 0.9)
    _thicken(layers_m, "forearm", range(forearm), loose * 0.7)
    _pattern(rng, palette, bands, sleeve)


def _pattern(rng: np.random.Generator, palette: NDArray[np.float64], bands: range, sleeve: int) -> None:
    """Plain, hoops, a bib number, side panels, coloured sleeves or a chest band."""
    kind, colour = (
        rng.choice(
            ["plain", "hoops", "bib", "panels", "sleeves", "chest"], p=(0.45, 0.1, 0.13, 0.12, 0.1, 0.1)
        ),
        cloth_colour(rng),
    )
    if kind == "hoops":
        for band in bands[:: int(rng.integers(2, 4))]:
            _torso(palette, range(band, band + 1), colour)
    elif kind == "bib":
        _torso(palette, range(6, 9), np.full(3, rng.uniform(0.85, 0.97)), ("front",))
        _torso(palette, range(7, 8), colour * 0.5, ("front",))
        _torso(palette, range(8, 11), colour, ("back",))
    elif kind == "panels":
        _torso(palette, bands, colour, ("side",))
    elif kind == "sleeves":
        _colour_limb(palette, "upper_arm", range(sleeve), colour)
    elif kind == "chest":
        _torso(palette, range(9, 11), colour)


def _footwear(rng: np.random.Generator, palette: NDArray[np.float64], layers_m: Floats) -> None:
    """Shoes of one or more colours, rarely bare feet; socks of several heights."""
    if rng.random() < 0.06:
        return
    shoe = cloth_colour(rng)
    palette[[PART["shoe"], PART["toe_cap"], PART["collar"]]] = shoe
    palette[PART["sole"]] = np.full(3, rng.uniform(0.7, 0.95)) if rng.random() < 0.6 else cloth_colour(rng)
    if rng.random() < 0.3:
        palette[PART["toe_cap"]] = cloth_colour(rng)
    if rng.random() < 0.3:
        palette[PART["collar"]] = cloth_colour(rng)
    height = int(rng.choice([0, 1, 2, 3, 5], p=(0.3, 0.3, 0.2, 0.1, 0.1)))
    if height and layers_m[LAYERS.index(f"shank_{SHANK_BANDS - 1}")] == 0:
        sock = cloth_colour(rng)
        _colour_limb(palette, "shank", range(SHANK_BANDS - height, SHANK_BANDS), sock)
        _thicken(layers_m, "shank", range(SHANK_BANDS - height, SHANK_BANDS), 0.002)

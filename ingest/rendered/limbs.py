"""The arms and legs of the procedural body, left side."""

from dataclasses import dataclass

import numpy as np

from ingest.rendered import profiles
from ingest.rendered.anatomy import BONE, REST_FEMALE, REST_MALE, half_bone
from ingest.rendered.patches import (
    GIRTHS,
    LAYERS,
    PART,
    Floats,
    Ints,
    Patch,
    Weights,
    anchored,
    axis_cm,
    bend,
    chain,
    section,
    sector_angles,
    skin_table,
)
from ingest.rendered.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Limb:
    """How to loft one arm or leg, left side; axial positions run down from the root joint."""

    joints: tuple[str, str, str]
    places_cm: tuple[float, float, float]
    bands_cm: tuple[float, ...]
    rings: tuple[int, ...]
    upper_bands: int
    names: tuple[str, str]
    sectors: int


ARM = Limb(
    joints=("left_upper_arm", "left_forearm", "left_hand"), places_cm=(0.0, 32.0, 57.5),
    bands_cm=profiles.ARM_BANDS, rings=profiles.ARM_RINGS, upper_bands=profiles.UPPER_ARM_BANDS,
    names=("upper_arm", "forearm"), sectors=12,
)  # fmt: skip
LEG = Limb(
    joints=("left_thigh", "left_shank", "left_foot"), places_cm=(0.0, 41.8, 83.8),
    bands_cm=profiles.LEG_BANDS, rings=profiles.LEG_RINGS, upper_bands=profiles.THIGH_BANDS,
    names=("thigh", "shank"), sectors=14,
)  # fmt: skip


def _limb_rings(limb: Limb) -> tuple[Floats, Ints]:
    """Axial positions of the rings and the band of each; at an edge both bands have a ring."""
    axial: list[float] = []
    band: list[int] = []
    for index, inside in enumerate(limb.rings):
        start, stop = limb.bands_cm[index] + (0.25 if index else 0.0), limb.bands_cm[index + 1]
        places = np.linspace(start, stop, inside + 2)
        axial.extend(places)
        band.extend([index] * len(places))
    return np.array(axial), np.array(band)


def _limb_name(limb: Limb, band: int) -> str:
    lower = band >= limb.upper_bands
    return f"{limb.names[lower]}_{band - limb.upper_bands if lower else band}"


def _limb_parts(limb: Limb, band: Ints) -> Ints:
    middle = (np.arange(limb.sectors) + 0.5) * 2 * np.pi / limb.sectors
    outer = np.sin(middle) > 0.75
    rows = [
        [PART[f"{_limb_name(limb, int(index))}_{'outer' if side else 'inner'}"] for side in outer]
        for index in band[:-1]
    ]
    return np.array(rows)


def _limb_positions(limb: Limb, profile: Profile, rest: Floats) -> tuple[Floats, Ints, Floats]:
    axial, _ = _limb_rings(limb)
    x, z = section(profiles.at(profile, axial), sector_angles(limb.sectors))
    anchors, t = anchored(axial, limb.joints, limb.places_cm)
    axis = axis_cm(anchors, t, rest)
    beyond = np.clip(axial - limb.places_cm[-1], 0, None) + np.clip(axial - limb.places_cm[0], None, 0)
    centre = axis - beyond[:, None] * np.array([0.0, 1.0, 0.0])
    flat = np.broadcast_to(centre[:, None, :], (*x.shape, 3))
    return flat + np.stack([x, np.zeros_like(x), z], axis=-1), anchors, t


def _limb_skin(limb: Limb, spans_cm: tuple[tuple[float, float], tuple[float, float]]) -> Weights:
    axial = np.repeat(_limb_rings(limb)[0][:, None], limb.sectors, axis=1)
    upper, lower, end = (BONE[joint] for joint in limb.joints)
    middle = bend(axial, (upper, half_bone(limb.joints[1]), lower), *spans_cm[0])
    final = bend(axial, (lower, half_bone(limb.joints[2]), end), *spans_cm[1])
    return chain(axial, middle, final, split=(limb.places_cm[1] + limb.places_cm[2]) / 2)


def _limb_patch(
    limb: Limb, profile_pair: tuple[Profile, Profile], skin: Weights, girths: tuple[int, int]
) -> Patch:
    _, band = _limb_rings(limb)
    male, anchors, t = _limb_positions(limb, profile_pair[0], REST_MALE)
    female, _, _ = _limb_positions(limb, profile_pair[1], REST_FEMALE)
    bones, weights = skin_table(skin, male.shape[:2])
    layers = [LAYERS.index(_limb_name(limb, int(index))) for index in band]
    return Patch(
        male_cm=male, female_cm=female, anchors=anchors, anchor_t=t,
        girth=np.where(band < limb.upper_bands, *girths), layer=np.array(layers),
        worn=np.ones(male.shape[:2]), skin_bones=bones, skin_weights=weights,
        parts=_limb_parts(limb, band),
    )  # fmt: skip


def arm() -> Patch:
    """Shoulder cap to wrist."""
    skin = _limb_skin(ARM, spans_cm=((25.5, 38.5), (54.0, 60.0)))
    girths = (GIRTHS.index("upper_arm"), GIRTHS.index("forearm"))
    return _limb_patch(ARM, (profiles.ARM_MALE, profiles.ARM_FEMALE), skin, girths)


def leg() -> Patch:
    """Hip cap to ankle."""
    skin = _limb_skin(LEG, spans_cm=((33.0, 50.5), (79.0, 86.0)))
    girths = (GIRTHS.index("thigh"), GIRTHS.index("shank"))
    return _limb_patch(LEG, (profiles.LEG_MALE, profiles.LEG_FEMALE), skin, girths)

"""The torso and neck of the procedural body."""

import numpy as np

from ingest.rendered import profiles
from ingest.rendered.anatomy import BONE
from ingest.rendered.patches import (
    LAYERS,
    PART,
    SECTORS,
    Floats,
    Ints,
    Patch,
    Weights,
    anchored,
    ramp,
    section,
    sector_angles,
    skin_table,
)
from ingest.rendered.profiles import Profile

_TORSO_SECTORS = 20
_TORSO_CLASS = (0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0)
"""Index of SECTORS for the face from sector i to i + 1."""


def _torso_heights() -> Floats:
    hems = [height + 0.3 for height in profiles.TORSO_HEMS]
    return np.array(sorted([*profiles.TORSO_MALE[:, 0], *hems]))


def _lobe(positions: Floats, centre: tuple[float, float], spread: tuple[float, float]) -> Floats:
    """Bell over |x| and height, [R, S]."""
    dx = (np.abs(positions[..., 0]) - centre[0]) / spread[0]
    dy = (positions[..., 1] - centre[1]) / spread[1]
    bell: Floats = np.exp(-(dx * dx) - dy * dy)
    return bell


def _torso_positions(profile: Profile, chest_lobe_cm: float, glute_lobe_cm: float) -> Floats:
    heights = _torso_heights()
    x, z = section(profiles.at(profile, heights), sector_angles(_TORSO_SECTORS), squareness=0.86)
    lean = np.interp(heights, [80, 101, 118, 135, 147, 157, 161], [0, 0, 0.6, -0.8, -2.6, -0.6, 0.4])
    positions = np.stack([x, np.broadcast_to(heights[:, None], x.shape), z + lean[:, None]], axis=-1)
    front = positions[..., 2] > 0
    positions[..., 2] += np.where(front, chest_lobe_cm * _lobe(positions, (7.6, 128.5), (5.0, 4.6)), 0)
    positions[..., 2] -= np.where(front, 0, glute_lobe_cm * _lobe(positions, (8.0, 90.0), (5.5, 6.0)))
    positions[..., 2] += np.where(front, 0, 1.0 * _lobe(positions, (0.0, 122.0), (2.5, 16.0)))
    return positions


def _torso_skin(positions: Floats) -> Weights:
    side, height = positions[..., 0], positions[..., 1]
    spine, chest = ramp(height, 95.0, 108.0), ramp(height, 109.0, 124.0)
    neck, head = ramp(height, 143.5, 152.0), ramp(height, 151.0, 159.0)
    shoulder = 0.75 * ramp(np.abs(side), 6.0, 15.0) * ramp(height, 131.0, 140.0) * (1 - neck)
    thigh = 0.45 * ramp(np.abs(side), 2.0, 10.0) * (1 - ramp(height, 84.0, 95.0))
    return {
        BONE["pelvis"]: (1 - spine) * (1 - thigh),
        BONE["left_thigh"]: (1 - spine) * thigh * (side > 0),
        BONE["right_thigh"]: (1 - spine) * thigh * (side <= 0),
        BONE["spine"]: spine * (1 - chest),
        BONE["chest"]: chest * (1 - neck) * (1 - shoulder),
        BONE["left_clavicle"]: chest * (1 - neck) * shoulder * (side > 0),
        BONE["right_clavicle"]: chest * (1 - neck) * shoulder * (side <= 0),
        BONE["neck"]: neck * (1 - head),
        BONE["head"]: head,
    }


_TORSO_BAND_EDGES = (86.0, 90.0, 94.0, 98.0, 102.0, 107.0, 112.0, 118.0, 124.0, 130.0, 135.0, 139.0, 145.0)


def _torso_parts(heights: Floats) -> Ints:
    band = np.searchsorted(_TORSO_BAND_EDGES, heights[:-1] + 0.01)
    parts = np.zeros((len(heights) - 1, _TORSO_SECTORS), np.int64)
    for ring, sector in np.ndindex(parts.shape):
        name = SECTORS[_TORSO_CLASS[sector]]
        parts[ring, sector] = PART["neck" if heights[ring] > 149.5 else f"torso_{band[ring]}_{name}"]
    return parts


def torso() -> Patch:
    """Pelvis to neck."""
    heights = _torso_heights()
    male = _torso_positions(profiles.TORSO_MALE, chest_lobe_cm=0.9, glute_lobe_cm=1.4)
    female = _torso_positions(profiles.TORSO_FEMALE, chest_lobe_cm=3.6, glute_lobe_cm=2.2)
    anchors, t = anchored(heights, ("pelvis", "spine", "chest", "neck", "head"), (92, 101, 116, 147, 157))
    bones, weights = skin_table(_torso_skin(male), male.shape[:2])
    band = np.searchsorted(_TORSO_BAND_EDGES, heights - 0.01)
    groups = np.select([heights < 97, heights < 119, heights < 149], [1, 2, 3], 4)
    return Patch(
        male_cm=male, female_cm=female, anchors=anchors, anchor_t=t, girth=groups,
        layer=np.where(heights > 149.5, LAYERS.index("none"), band),
        worn=np.ones(male.shape[:2]), skin_bones=bones, skin_weights=weights, parts=_torso_parts(heights),
    )  # fmt: skip

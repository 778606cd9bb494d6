"""The vocabulary of the procedural body: its parts, layers and girths, and the tubes that it is lofted from.

Positions are absolute, in centimetres of the resting reference adult (see `anatomy`), left side; right limbs
are mirror images.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import profiles
from ingest.rendered.anatomy import BONE, BONES, HALF_BONES, REFERENCE_CM, REST_FEMALE, REST_MALE
from ingest.rendered.profiles import Profile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SECTORS = ("front", "front_side", "side", "back_side", "back")
TORSO_BANDS = 14
FOREARM_BANDS = len(profiles.ARM_BANDS) - 1 - profiles.UPPER_ARM_BANDS
SHANK_BANDS = len(profiles.LEG_BANDS) - 1 - profiles.THIGH_BANDS
_LIMB_BANDS = {
    "upper_arm": profiles.UPPER_ARM_BANDS,
    "forearm": FOREARM_BANDS,
    "thigh": profiles.THIGH_BANDS,
    "shank": SHANK_BANDS,
}
LAYERS: tuple[str, ...] = (
    *(f"torso_{band}" for band in range(TORSO_BANDS + 1)),
    *(f"{limb}_{band}" for limb, bands in _LIMB_BANDS.items() for band in range(bands)),
    "hair",
    "none",
)
"""Where clothing or hair stands off the body; bands count down the limbs and up the torso."""
PARTS: tuple[str, ...] = (
    *("face", "lips", "eye", "brow", "ear", "scalp", "hair", "tail", "brim", "neck", "hand"),
    *("shoe", "sole", "toe_cap", "collar"),
    *(f"torso_{band}_{sector}" for band in range(TORSO_BANDS) for sector in SECTORS),
    *(
        f"{limb}_{band}_{side}"
        for limb, bands in _LIMB_BANDS.items()
        for band in range(bands)
        for side in ("outer", "inner")
    ),
)
"""Kinds of surface that may have a colour of their own; left and right share them."""
PART = {name: i for i, name in enumerate(PARTS)}
GIRTHS = (
    *("none", "pelvis", "waist", "chest", "neck", "upper_arm", "forearm", "thigh", "shank", "head"),
    *("ponytail", "long_hair", "bun", "brim", "foot"),
)
"""Groups of vertices whose offsets scale together; hair styles and the brim of a cap are off at zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A tube of R rings of S vertices."""

    male_cm: Floats
    """[R, S, 3]"""
    female_cm: Floats
    anchors: Ints
    """[R, 2] joints that the ring moves with at rest."""
    anchor_t: Floats
    """[R]"""
    girth: Ints
    """[R]"""
    layer: Ints
    """[R]"""
    worn: Floats
    """[R, S] share of the layer's thickness that each vertex takes."""
    skin_bones: Ints
    """[R, S, 4]"""
    skin_weights: Floats
    """[R, S, 4]"""
    parts: Ints
    """[R - 1, S]"""
    keep_flat: bool = False

    @property
    def sectors(self) -> int:
        """Vertices per ring."""
        return self.male_cm.shape[1]


Weights = dict[int, Floats]
"""Weight of each bone for every vertex of a patch, [R, S]."""


def skin_table(weights: Weights, shape: tuple[int, ...]) -> tuple[Ints, Floats]:
    """The four strongest bones of each vertex and their normalised weights."""
    bones = np.array(list(weights))
    table = np.stack([np.broadcast_to(weight, shape) for weight in weights.values()], axis=-1)
    order = np.argsort(-table, axis=-1)[..., :4]
    top = np.take_along_axis(table, order, axis=-1)
    padding = ((0, 0), (0, 0), (0, 4 - top.shape[-1]))
    top = top / top.sum(axis=-1, keepdims=True)
    return np.pad(bones[order], padding), np.pad(top, padding)


def ramp(values: Floats, start: float, stop: float) -> Floats:
    """Smooth step from 0 at `start` to 1 at `stop`."""
    t = np.clip((values - start) / (stop - start), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def bend(axial: Floats, bones: tuple[int, int, int], start: float, stop: float) -> Weights:
    """Weights along a limb across one joint: bone, half-turn helper, next bone."""
    u = np.clip((axial - start) / (stop - start), 0.0, 1.0)
    first, last = np.clip(1 - 2 * u, 0, 1), np.clip(2 * u - 1, 0, 1)
    return {bones[0]: first, bones[1]: 1 - first - last, bones[2]: last}


def chain(axial: Floats, first: Weights, second: Weights, split: float) -> Weights:
    """`first` before `split`, `second` after it."""
    before = axial < split
    bones = {**dict.fromkeys(first), **dict.fromkeys(second)}
    zero = np.zeros_like(axial)
    return {bone: np.where(before, first.get(bone, zero), second.get(bone, zero)) for bone in bones}


def _signed_power(values: Floats, exponent: float) -> Floats:
    return np.sign(values) * np.abs(values) ** exponent


def section(rows: Profile, angles: Floats, squareness: float = 1.0) -> tuple[Floats, Floats]:
    """Sideways and forward coordinates [R, S] of sections with rows (_, half width, front, back)."""
    sine, cosine = _signed_power(np.sin(angles), squareness), _signed_power(np.cos(angles), squareness)
    forward = np.where(cosine > 0, rows[:, 2:3], rows[:, 3:4]) * cosine
    return rows[:, 1:2] * sine, forward


def sector_angles(sectors: int) -> Floats:
    """Angles from the front towards the left."""
    return np.arange(sectors) * 2 * np.pi / sectors


def anchored(axial: Floats, joints: tuple[str, ...], places: tuple[float, ...]) -> tuple[Ints, Floats]:
    """Joint pairs and places between them for `axial` [R], given each joint's own place."""
    increasing = np.array(places) if places[0] < places[-1] else -np.array(places)
    values = axial if places[0] < places[-1] else -axial
    segment = np.clip(np.searchsorted(increasing, values, side="right") - 1, 0, len(places) - 2)
    indices = np.array([BONE[joint] for joint in joints])
    t = (values - increasing[segment]) / (increasing[segment + 1] - increasing[segment])
    return np.stack([indices[segment], indices[segment + 1]], axis=1), np.clip(t, 0.0, 1.0)


def axis_cm(anchors: Ints, anchor_t: Floats, rest: Floats) -> Floats:
    first, second = rest[anchors[:, 0]], rest[anchors[:, 1]]
    return (first + (second - first) * anchor_t[:, None]) * REFERENCE_CM


@dataclass(frozen=True, slots=True, kw_only=True)
class Rigid:
    """Common properties of a patch that hangs on one joint."""

    bone: str
    girth: str
    layer: str = "none"
    keep_flat: bool = False


def rigid_patch(offsets_cm: Floats, rigid: Rigid, parts: Ints, worn: Floats | None = None) -> Patch:
    """A patch from offsets [R, S, 3] to the head of its bone, alike for both sexes."""
    rings, sectors = offsets_cm.shape[:2]
    bone = BONE[rigid.bone]
    zeros = np.zeros((rings, sectors))
    bones, weights = skin_table({bone: zeros + 1.0}, (rings, sectors))
    return Patch(
        male_cm=offsets_cm + REST_MALE[bone] * REFERENCE_CM,
        female_cm=offsets_cm + REST_FEMALE[bone] * REFERENCE_CM,
        anchors=np.full((rings, 2), bone), anchor_t=np.zeros(rings),
        girth=np.full(rings, GIRTHS.index(rigid.girth)), layer=np.full(rings, LAYERS.index(rigid.layer)),
        worn=zeros if worn is None else worn, skin_bones=bones, skin_weights=weights, parts=parts,
        keep_flat=rigid.keep_flat,
    )  # fmt: skip


def mirrored(patch: Patch) -> Patch:
    """The same patch on the right side."""
    swap = {i: BONES.index(name.replace("left_", "right_")) for i, name in enumerate(BONES)}
    half = len(HALF_BONES) // 2
    swap |= {len(BONES) + i: len(BONES) + i + half for i in range(half)}
    exchange: Callable[[Ints], Ints] = np.vectorize(lambda bone: swap[bone])
    flip = np.array([-1.0, 1.0, 1.0])
    return replace(
        patch,
        male_cm=patch.male_cm * flip,
        female_cm=patch.female_cm * flip,
        anchors=exchange(patch.anchors),
        skin_bones=exchange(np.where(patch.skin_weights > 0, patch.skin_bones, BONE["left_hand"])),
    )

"""The lofted patches of the procedural body: torso, arms, legs, head, hair, hands and shoes.

Positions are absolute, in centimetres of the resting reference adult (see `anatomy`), left side; right limbs
are mirror images.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import profiles
from ingest.rendered.anatomy import BONE, BONES, HALF_BONES, REFERENCE_CM, REST_FEMALE, REST_MALE, half_bone
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


def _skin(weights: Weights, shape: tuple[int, ...]) -> tuple[Ints, Floats]:
    """The four strongest bones of each vertex and their normalised weights."""
    bones = np.array(list(weights))
    table = np.stack([np.broadcast_to(weight, shape) for weight in weights.values()], axis=-1)
    order = np.argsort(-table, axis=-1)[..., :4]
    top = np.take_along_axis(table, order, axis=-1)
    padding = ((0, 0), (0, 0), (0, 4 - top.shape[-1]))
    top = top / top.sum(axis=-1, keepdims=True)
    return np.pad(bones[order], padding), np.pad(top, padding)


def _ramp(values: Floats, start: float, stop: float) -> Floats:
    """Smooth step from 0 at `start` to 1 at `stop`."""
    t = np.clip((values - start) / (stop - start), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _bend(axial: Floats, bones: tuple[int, int, int], start: float, stop: float) -> Weights:
    """Weights along a limb across one joint: bone, half-turn helper, next bone."""
    u = np.clip((axial - start) / (stop - start), 0.0, 1.0)
    first, last = np.clip(1 - 2 * u, 0, 1), np.clip(2 * u - 1, 0, 1)
    return {bones[0]: first, bones[1]: 1 - first - last, bones[2]: last}


def _chain(axial: Floats, first: Weights, second: Weights, split: float) -> Weights:
    """`first` before `split`, `second` after it."""
    before = axial < split
    bones = {**dict.fromkeys(first), **dict.fromkeys(second)}
    zero = np.zeros_like(axial)
    return {bone: np.where(before, first.get(bone, zero), second.get(bone, zero)) for bone in bones}


def _signed_power(values: Floats, exponent: float) -> Floats:
    return np.sign(values) * np.abs(values) ** exponent


def _section(rows: Profile, angles: Floats, squareness: float = 1.0) -> tuple[Floats, Floats]:
    """Sideways and forward coordinates [R, S] of sections with rows (_, half width, front, back)."""
    sine, cosine = _signed_power(np.sin(angles), squareness), _signed_power(np.cos(angles), squareness)
    forward = np.where(cosine > 0, rows[:, 2:3], rows[:, 3:4]) * cosine
    return rows[:, 1:2] * sine, forward


def _angles(sectors: int) -> Floats:
    """Angles from the front towards the left."""
    return np.arange(sectors) * 2 * np.pi / sectors


def _anchored(axial: Floats, joints: tuple[str, ...], places: tuple[float, ...]) -> tuple[Ints, Floats]:
    """Joint pairs and places between them for `axial` [R], given each joint's own place."""
    increasing = np.array(places) if places[0] < places[-1] else -np.array(places)
    values = axial if places[0] < places[-1] else -axial
    segment = np.clip(np.searchsorted(increasing, values, side="right") - 1, 0, len(places) - 2)
    indices = np.array([BONE[joint] for joint in joints])
    t = (values - increasing[segment]) / (increasing[segment + 1] - increasing[segment])
    return np.stack([indices[segment], indices[segment + 1]], axis=1), np.clip(t, 0.0, 1.0)


def _axis_cm(anchors: Ints, anchor_t: Floats, rest: Floats) -> Floats:
    first, second = rest[anchors[:, 0]], rest[anchors[:, 1]]
    return (first + (second - first) * anchor_t[:, None]) * REFERENCE_CM


# --- torso ----------------------------------------------------------------------------------------

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
    x, z = _section(profiles.at(profile, heights), _angles(_TORSO_SECTORS), squareness=0.86)
    lean = np.interp(heights, [80, 101, 118, 135, 147, 157, 161], [0, 0, 0.6, -0.8, -2.6, -0.6, 0.4])
    positions = np.stack([x, np.broadcast_to(heights[:, None], x.shape), z + lean[:, None]], axis=-1)
    front = positions[..., 2] > 0
    positions[..., 2] += np.where(front, chest_lobe_cm * _lobe(positions, (7.6, 128.5), (5.0, 4.6)), 0)
    positions[..., 2] -= np.where(front, 0, glute_lobe_cm * _lobe(positions, (8.0, 90.0), (5.5, 6.0)))
    positions[..., 2] += np.where(front, 0, 1.0 * _lobe(positions, (0.0, 122.0), (2.5, 16.0)))
    return positions


def _torso_skin(positions: Floats) -> Weights:
    side, height = positions[..., 0], positions[..., 1]
    spine, chest = _ramp(height, 95.0, 108.0), _ramp(height, 109.0, 124.0)
    neck, head = _ramp(height, 143.5, 152.0), _ramp(height, 151.0, 159.0)
    shoulder = 0.75 * _ramp(np.abs(side), 6.0, 15.0) * _ramp(height, 131.0, 140.0) * (1 - neck)
    thigh = 0.45 * _ramp(np.abs(side), 2.0, 10.0) * (1 - _ramp(height, 84.0, 95.0))
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
    anchors, t = _anchored(heights, ("pelvis", "spine", "chest", "neck", "head"), (92, 101, 116, 147, 157))
    bones, weights = _skin(_torso_skin(male), male.shape[:2])
    band = np.searchsorted(_TORSO_BAND_EDGES, heights - 0.01)
    groups = np.select([heights < 97, heights < 119, heights < 149], [1, 2, 3], 4)
    return Patch(
        male_cm=male, female_cm=female, anchors=anchors, anchor_t=t, girth=groups,
        layer=np.where(heights > 149.5, LAYERS.index("none"), band),
        worn=np.ones(male.shape[:2]), skin_bones=bones, skin_weights=weights, parts=_torso_parts(heights),
    )  # fmt: skip


# --- limbs ----------------------------------------------------------------------------------------


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
    x, z = _section(profiles.at(profile, axial), _angles(limb.sectors))
    anchors, t = _anchored(axial, limb.joints, limb.places_cm)
    axis = _axis_cm(anchors, t, rest)
    beyond = np.clip(axial - limb.places_cm[-1], 0, None) + np.clip(axial - limb.places_cm[0], None, 0)
    centre = axis - beyond[:, None] * np.array([0.0, 1.0, 0.0])
    flat = np.broadcast_to(centre[:, None, :], (*x.shape, 3))
    return flat + np.stack([x, np.zeros_like(x), z], axis=-1), anchors, t


def _limb_skin(limb: Limb, spans_cm: tuple[tuple[float, float], tuple[float, float]]) -> Weights:
    axial = np.repeat(_limb_rings(limb)[0][:, None], limb.sectors, axis=1)
    upper, lower, end = (BONE[joint] for joint in limb.joints)
    middle = _bend(axial, (upper, half_bone(limb.joints[1]), lower), *spans_cm[0])
    final = _bend(axial, (lower, half_bone(limb.joints[2]), end), *spans_cm[1])
    return _chain(axial, middle, final, split=(limb.places_cm[1] + limb.places_cm[2]) / 2)


def _limb_patch(
    limb: Limb, profile_pair: tuple[Profile, Profile], skin: Weights, girths: tuple[int, int]
) -> Patch:
    _, band = _limb_rings(limb)
    male, anchors, t = _limb_positions(limb, profile_pair[0], REST_MALE)
    female, _, _ = _limb_positions(limb, profile_pair[1], REST_FEMALE)
    bones, weights = _skin(skin, male.shape[:2])
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


# --- rigid parts ----------------------------------------------------------------------------------


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
    bones, weights = _skin({bone: zeros + 1.0}, (rings, sectors))
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

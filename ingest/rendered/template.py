"""The fixed topology of the procedural body: lofted patches, their skin weights and their parts.

A vertex rests at the point `anchor_t` of the way between two joints plus an offset over the stature, which is
mixed between the sexes and scaled by a girth, plus an outward push by loose clothing. All tables are plain
arrays; `bodies` combines them with the parameters of a batch of people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import extremities, limbs, patches, trunk
from ingest.rendered.anatomy import REFERENCE_CM, REST_FEMALE, REST_MALE
from ingest.rendered.patches import Patch

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Arrays over the V vertices and T triangles of the body."""

    anchors: Ints
    """[V, 2] joints."""
    anchor_t: Floats
    """[V] place between them."""
    offsets_male: Floats
    """[V, 3] over the stature."""
    offsets_female: Floats
    girth: Ints
    """[V] index of `patches.GIRTHS`."""
    outward: Floats
    """[V, 3] direction in which clothing moves the vertex; zero where nothing is worn."""
    layer: Ints
    """[V] index of `patches.LAYERS`."""
    skin_bones: Ints
    """[V, 4] skinning indices, see `anatomy.HALF_BONES`."""
    skin_weights: Floats
    """[V, 4], rows sum to one."""
    faces: Ints
    """[T, 3] vertex indices, counter-clockwise seen from outside."""
    face_parts: Ints
    """[T] index of `patches.PARTS`."""


def _offsets(
    patch: Patch, positions_cm: NDArray[np.float64], rest: NDArray[np.float64]
) -> NDArray[np.float64]:
    first, second = rest[patch.anchors[:, 0]], rest[patch.anchors[:, 1]]
    anchor = first + (second - first) * patch.anchor_t[:, None]
    return positions_cm.reshape(-1, 3) / REFERENCE_CM - np.repeat(anchor, patch.sectors, axis=0)


def _outward(positions: NDArray[np.float64], anchor_axis: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors from each ring's centroid to its vertices."""
    radial = positions - anchor_axis
    return radial / np.maximum(np.linalg.norm(radial, axis=-1, keepdims=True), 1e-9)


def _worn_outward(patch: Patch) -> NDArray[np.float64]:
    """[vertices, 3] directions away from the middle of each ring, as long as clothes may stand off there."""
    middle = patch.male_cm.mean(axis=1, keepdims=True)
    return (_outward(patch.male_cm, middle) * patch.worn[..., None]).reshape(-1, 3)


def _quads(rings: int, sectors: int) -> Ints:
    """[(rings - 1) * sectors, 4] corners of a tube's faces, ring by ring."""
    ring, sector = np.meshgrid(np.arange(rings - 1), np.arange(sectors), indexing="ij")
    following = (sector + 1) % sectors
    corners = [
        ring * sectors + sector,
        ring * sectors + following,
        (ring + 1) * sectors + following,
        (ring + 1) * sectors + sector,
    ]
    return np.stack(corners, axis=-1).reshape(-1, 4)


def _triangles(patch: Patch) -> tuple[Ints, Ints]:
    """Triangles of one patch without those that its poles make empty, and their parts."""
    quads = _quads(patch.male_cm.shape[0], patch.sectors)
    triangles = np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
    parts = np.repeat(patch.parts.reshape(-1), 2)
    points = patch.male_cm.reshape(-1, 3)
    corners = points[triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    keep = (area > 1e-6) | patch.keep_flat
    triangles, parts = triangles[keep], parts[keep]
    centre = points.mean(axis=0)
    corners = points[triangles] - centre
    volume = np.einsum("ti,ti->t", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum()
    return (triangles if volume > 0 else triangles[:, ::-1]), parts


def _all_triangles(patches: Sequence[Patch]) -> tuple[Ints, Ints]:
    """Triangles of all patches, by vertices of the whole body, and their parts."""
    faces, parts, start = [], [], 0
    for patch in patches:
        triangles, triangle_parts = _triangles(patch)
        faces.append(triangles + start)
        parts.append(triangle_parts)
        start += patch.male_cm.shape[0] * patch.sectors
    return np.concatenate(faces), np.concatenate(parts)


def _body_patches() -> tuple[Patch, ...]:
    """All patches of the body, in the order of its vertices."""
    sided = (
        limbs.arm(),
        limbs.leg(),
        extremities.hand(),
        extremities.thumb(),
        extremities.shoe(),
        extremities.ear(),
    )
    middle = (
        trunk.torso(),
        extremities.head(),
        extremities.hair(),
        *extremities.hair_styles(),
        extremities.brim(),
    )
    return (*middle, *(patch for left in sided for patch in (left, patches.mirrored(left))))


@cache
def body_template() -> Template:
    """The procedural body, built once."""
    built = _body_patches()
    faces, face_parts = _all_triangles(built)

    def per_ring(name: str) -> NDArray[np.float64]:
        return np.concatenate([np.repeat(getattr(patch, name), patch.sectors, axis=0) for patch in built])

    def per_vertex(name: str, width: int) -> NDArray[np.float64]:
        return np.concatenate([getattr(patch, name).reshape(-1, width) for patch in built])

    return Template(
        anchors=per_ring("anchors").astype(np.int64),
        anchor_t=per_ring("anchor_t").astype(np.float32),
        offsets_male=np.concatenate([_offsets(p, p.male_cm, REST_MALE) for p in built]).astype(np.float32),
        offsets_female=np.concatenate([_offsets(p, p.female_cm, REST_FEMALE) for p in built]).astype(
            np.float32
        ),
        girth=per_ring("girth").astype(np.int64),
        outward=np.concatenate([_worn_outward(patch) for patch in built]).astype(np.float32),
        layer=per_ring("layer").astype(np.int64),
        skin_bones=per_vertex("skin_bones", 4).astype(np.int64),
        skin_weights=per_vertex("skin_weights", 4).astype(np.float32),
        faces=faces,
        face_parts=face_parts,
    )

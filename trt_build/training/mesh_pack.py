"""The human mesh pack (CC0 MakeHuman mesh, DeepMimic motions) as tensors.

The pack is a folder with body.npz and motions.npz and stays outside the tree. Frame: metres, y up, the
person faces +z, the person's left is +x.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SURFACES = ("body", "tights", "skirt", "hair", "eye_L", "eye_R")
PARTS_PER_SURFACE = 20
SKIRT_SLOT = 2 * PARTS_PER_SURFACE
HAIR_SLOT = SKIRT_SLOT + 1
SLOTS = HAIR_SLOT + 1
"""Material slots: the parts of the body (eyes included), the same parts of the tights, skirt, hair."""

CURL_RAD = 0.35

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeshPack:
    """What all bodies share. V vertices, T triangles, B bones, R retargeted bones, J source joints."""

    triangles: Tensor
    """[T, 3] int32."""
    triangle_slot: Tensor
    """[T] int32 material slot."""
    vertex_slot: Tensor
    """[V] int32 material slot of one of the vertex's faces."""
    vertex_area: Tensor
    """[V] share of the body's surface at each vertex; 0 for clothes and hair."""
    skin_index: Tensor
    """[V, 4] int32 bones."""
    skin_weight: Tensor
    """[V, 4]."""
    part_names: tuple[str, ...]
    bone_parent: Tensor
    """[B] int64, -1 for the root."""
    bone_path: Tensor
    """[B, B] 1 where the column's bone lies on the way from the root to the row's."""
    driver: Tensor
    """[B] row of the retargeted bone whose rotation each bone copies."""
    curl_steps: Tensor
    """[B] how many finger joints bend before and at this bone; 0 elsewhere."""
    curl_finger: Tensor
    """[B] which of the eight fingers."""
    retarget: Tensor
    """[R, 3] int64: source joint, its parent joint, limb."""
    swing_twist: Tensor
    """[R, 2] shares of swing and twist."""
    joint_parent: tuple[int, ...]
    hip_bones: tuple[int, int]
    hip_height_m: float
    landmark_weights: Tensor
    """[26, B + surface sets] the Halpe joints as means of bone heads and surface sets."""
    surface_means: Tensor
    """[surface sets, V]."""
    rotations: Tensor
    """[F, J, 4] unit quaternions of all motion frames."""
    root_height_m: Tensor
    """[F] height of the mid hip."""
    motion_of: Tensor
    """[F] int64 index into `motions`."""
    motions: tuple[str, ...]


def load_arrays(folder: Path) -> tuple[Arrays, Arrays]:
    """The arrays of body.npz and of motions.npz. Raises FileNotFoundError."""
    return dict(np.load(folder / "body.npz")), dict(np.load(folder / "motions.npz"))


def mesh_pack(body: Arrays, motions: Arrays, device: torch.device) -> MeshPack:
    """The pack's topology and motions as tensors."""
    triangles, slots, vertex_slot = _drawn_triangles(body)
    areas = _vertex_areas(body["vertices"], triangles[slots < PARTS_PER_SURFACE])

    def tensor(values: NDArray[np.generic], dtype: torch.dtype) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(values)).to(device=device, dtype=dtype)

    integer, real, small = torch.int64, torch.float32, torch.int32
    steps, finger = _curls(body["bone_names"].tolist())
    rotations = motions["rot"].astype(np.float32)
    return MeshPack(
        triangles=tensor(triangles, small),
        triangle_slot=tensor(slots, small),
        vertex_slot=tensor(vertex_slot, small),
        vertex_area=tensor(areas, real),
        skin_index=tensor(body["skin_index"], small),
        skin_weight=tensor(body["skin_weight"], real),
        part_names=tuple(body["part_names"].tolist()),
        bone_parent=tensor(body["bone_parent"], integer),
        bone_path=tensor(_paths(body["bone_parent"]), real),
        driver=tensor(_drivers(body["bone_parent"], motions["retarget_bone"]), integer),
        curl_steps=tensor(steps, real),
        curl_finger=tensor(finger, integer),
        retarget=tensor(
            np.stack([motions[f"retarget_{k}"] for k in ("joint", "parent_joint", "limb")], 1), integer
        ),
        swing_twist=tensor(motions["retarget_swing_twist"], real),
        joint_parent=tuple(motions["joint_parent"].tolist()),
        hip_bones=_bones(body, "upperleg01.L", "upperleg01.R"),
        hip_height_m=float(motions["hip_height"]),
        landmark_weights=tensor(_landmark_weights(body), real),
        surface_means=tensor(mean_rows(body, "surface_set"), real),
        rotations=tensor(rotations / np.linalg.norm(rotations, axis=-1, keepdims=True), real),
        root_height_m=tensor(motions["root_pos"][:, 1], real),
        motion_of=tensor(
            np.repeat(np.arange(len(motions["names"])), np.diff(motions["frame_offset"])), integer
        ),
        motions=tuple(motions["names"].tolist()),
    )


def _drawn_triangles(body: Arrays) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Triangles [T, 3], their slots [T] and those of all vertices [V], 0 where nothing is drawn."""
    chosen = _drawn_faces(body)
    quads = body["faces"][chosen].astype(np.int64)
    slots = _face_slots(body)[chosen]
    vertex_slot = np.zeros(len(body["vertices"]), np.int64)
    for corner in range(4):
        vertex_slot[quads[:, corner]] = slots
    return np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]), np.tile(slots, 2), vertex_slot


def _drawn_faces(body: Arrays) -> NDArray[np.bool_]:
    """Faces that may be drawn; of the hair scaffold only what hangs behind the ears."""
    surfaces = body["surface_names"].tolist()
    kept = np.isin(body["face_surface"], [surfaces.index(name) for name in SURFACES])
    depth = body["vertices"][body["faces"].astype(np.int64)].mean(1)[:, 2]
    ears = body["vertices"][_landmark_vertices(body, "ear_L")][:, 2].mean()
    in_front = (body["face_surface"] == surfaces.index("hair")) & (depth > ears)
    return kept & ~in_front


def _landmark_vertices(body: Arrays, name: str) -> NDArray[np.int64]:
    k = body["surface_set_names"].tolist().index(name)
    start, stop = body["surface_set_offset"][k : k + 2]
    return body["surface_set_index"][start:stop].astype(np.int64)


def _face_slots(body: Arrays) -> NDArray[np.int64]:
    surface, part = body["face_surface"], body["face_part"].astype(np.int64)
    names = body["surface_names"].tolist()
    part = np.where(surface == names.index("tights"), part + PARTS_PER_SURFACE, part)
    part = np.where(surface == names.index("skirt"), SKIRT_SLOT, part)
    return np.where(surface == names.index("hair"), HAIR_SLOT, part)


def _vertex_areas(vertices: NDArray[np.generic], triangles: NDArray[np.int64]) -> NDArray[np.float64]:
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    share = np.zeros(len(vertices))
    for k in range(3):
        np.add.at(share, triangles[:, k], area)
    return share / share.sum()


def _paths(parents: NDArray[np.generic]) -> NDArray[np.float32]:
    paths = np.eye(len(parents), dtype=np.float32)
    for bone, parent in enumerate(parents):
        if parent >= 0:
            paths[bone] += paths[parent]
    return paths


def _drivers(parents: NDArray[np.generic], retargeted: NDArray[np.generic]) -> NDArray[np.int64]:
    row = {int(bone): i for i, bone in enumerate(retargeted)}
    drivers = np.zeros(len(parents), np.int64)
    for bone, parent in enumerate(parents):
        drivers[bone] = row.get(bone, drivers[parent])
    return drivers


def _curls(names: list[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    steps, finger = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
    for bone, name in enumerate(names):
        if name.startswith("finger") and name[6] != "1":
            steps[bone] = int(name[8])
            finger[bone] = int(name[6]) - 2 + (4 if name.endswith("R") else 0)
    return steps, finger


def _bones(body: Arrays, *names: str) -> tuple[int, int]:
    order = body["bone_names"].tolist()
    first, second = (order.index(name) for name in names)
    return first, second


def mean_rows(body: Arrays, name: str) -> NDArray[np.float32]:
    """Matrix whose rows take the mean of a vertex set."""
    index, offset = body[f"{name}_index"].astype(np.int64), body[f"{name}_offset"]
    rows = np.zeros((len(offset) - 1, len(body["vertices"])), np.float32)
    for row, (start, stop) in enumerate(pairwise(offset)):
        np.add.at(rows[row], index[start:stop], 1 / (stop - start))
    return rows


def _landmark_weights(body: Arrays) -> NDArray[np.float32]:
    bones, empty = len(body["bone_names"]), 32767
    weights = np.zeros((26, bones + len(body["surface_set_names"])), np.float32)
    for joint, sources in enumerate(body["halpe_source"]):
        used = [int(s) for s in sources if s != empty]
        for source in used:
            weights[joint, source if source >= 0 else bones - source - 1] += 1 / len(used)
    return weights

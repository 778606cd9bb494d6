"""Bodies from a pack of a CC0 human mesh (MakeHuman assets), for offline rendering only.

The pack is two files: `body.npz`, a mesh with shape targets, skin weights and landmarks, and `motions.npz`,
of which only the retargeting tables are used. It is not part of the repository; its path is an argument.
The formulas of shape, retargeting and skinning are those of the pack's README.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.rendered import quaternions
from ingest.rendered.anatomy import BONE, PARENTS
from ingest.rendered.arrays import Array
from ingest.rendered.providers import Bodies
from ingest.rendered.shading import SmoothNormals
from trt_build.rendering.pack_clothes import dress
from trt_build.rendering.pack_shapes import ShapeSliders, sample_sliders, target_weights
from trt_build.rendering.turns import axis_turn, frame, power, smallest_turn, unit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]

_JOINTS = (
    "pelvis", "chest", "head", "right_thigh", "right_shank", "right_foot", "right_upper_arm", "right_forearm",
    "right_hand", "left_thigh", "left_shank", "left_foot", "left_upper_arm", "left_forearm", "left_hand",
)  # fmt: skip
"""Our bones in the order of the pack's joints."""
_CURL_RAD = 0.5


def _set_means(vertices: Floats, index: Ints, offset: Ints) -> Floats:
    """Means of sets of vertices, [sets, 3]."""
    sums: Floats = np.add.reduceat(vertices[index], offset[:-1], axis=0)
    return sums / np.diff(offset)[:, None]


class MeshPack:
    """The pack's arrays; a body provider for scenes."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "body.npz") as body, np.load(folder / "motions.npz") as motions:
            self.body: Arrays = dict(body)
            self.tables: Arrays = {
                name: motions[name] for name in motions.files if name.startswith(("retarget", "limb"))
            }
        self.bone_names: list[str] = self.body["bone_names"].tolist()
        surfaces = self.body["surface_names"].tolist()
        drawn = [surfaces.index(name) for name in ("body", "eye_L", "eye_R", "tights")]
        chosen = np.flatnonzero(np.isin(self.body["face_surface"], drawn))
        quads = self.body["faces"][chosen].astype(np.int64)
        used, compact = np.unique(quads, return_inverse=True)
        quads = compact.reshape(-1, 4)
        self.used: Ints = used
        self.quad_parts = self.body["part_names"][self.body["face_part"][chosen]]
        self.quad_is_cloth = self.body["face_surface"][chosen] == surfaces.index("tights")
        self.quads: Ints = quads
        self.faces: Ints = np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], axis=1).reshape(-1, 3)
        self.posed: Ints = np.union1d(used, self.body["surface_set_index"].astype(np.int64))
        self.skin = self._skin_matrix()
        self.normals = SmoothNormals(self.faces, len(used))

    def _skin_matrix(self) -> NDArray[np.float32]:
        """[posed vertices, bones] weights."""
        matrix = np.zeros((len(self.body["vertices"]), len(self.bone_names)), np.float32)
        rows = np.arange(len(matrix))[:, None]
        np.add.at(matrix, (rows, self.body["skin_index"]), self.body["skin_weight"].astype(np.float32))
        chosen: NDArray[np.float32] = matrix[self.posed]
        return chosen

    def sample(self, rng: np.random.Generator, count: int) -> Bodies:
        """`count` people of random shape and clothes."""
        return PackBodies(
            self, [PackBody(self, self.rest_mesh(sample_sliders(rng)), rng) for _ in range(count)]
        )

    def rest_mesh(self, sliders: ShapeSliders) -> Floats:
        """All vertices of the pack in the rest pose, metres."""
        weights = target_weights(sliders)
        plain = self._morphed(weights)
        direction = "max" if sliders.stature_m > self.stature(plain) else "min"
        shares = {"female": 1 - sliders.male, "male": sliders.male}
        ages = {"young": 1 - sliders.age, "old": sliders.age}
        heights = {
            f"height-{gender}-{age}-{direction}height": share * part
            for gender, share in shares.items()
            for age, part in ages.items()
        }
        extreme = self._morphed(weights | heights)
        span = self.stature(extreme) - self.stature(plain)
        slider = float(np.clip((sliders.stature_m - self.stature(plain)) / span, 0.0, 0.8))
        mixed = plain + (extreme - plain) * slider
        return mixed * (sliders.stature_m / self.stature(mixed))

    def _morphed(self, weights: dict[str, float]) -> Floats:
        table = np.array([weights.get(name, 0.0) for name in self.body["target_names"].tolist()], np.float32)
        moved: Floats = self.body["vertices"] + np.tensordot(
            table, self.body["targets"].astype(np.float32), 1
        )
        return moved.astype(np.float64)

    @staticmethod
    def stature(vertices: Floats) -> float:
        """Height of the body proper, metres."""
        return float(np.ptp(vertices[:13380, 1]))


class PackBody:
    """One person: shaped, dressed and ready to be posed."""

    def __init__(self, pack: MeshPack, rest: Floats, rng: np.random.Generator) -> None:
        self._pack = pack
        body = pack.body
        heads = _set_means(
            rest, body["joint_vertex_index"].astype(np.int64), body["joint_vertex_offset"].astype(np.int64)
        )
        self._heads = heads[: len(pack.bone_names)]
        self.stature_m = pack.stature(rest)
        worn, self.colours = dress(pack, rng)
        vertices = rest[pack.used]
        outward = pack.normals(vertices[None].astype(np.float32))[0]
        self._rest = rest.copy()
        self._rest[pack.used] = vertices + outward * worn[:, None]
        self._corrections, self._limbs = self._limb_corrections()
        self._curls = self._finger_curls()
        self._hips = [pack.bone_names.index(name) for name in ("upperleg01.L", "upperleg01.R")]

    def _head(self, name: str) -> Floats:
        head: Floats = self._heads[self._pack.bone_names.index(name)]
        return head

    def _limb_corrections(self) -> tuple[list[Floats], list[Floats]]:
        """Per limb the turn that takes its rest direction straight down, and that direction."""
        turns, directions = [np.eye(3)], [np.array([0.0, 1.0, 0.0])]
        bones = self._pack.tables["limb_bones"]
        for limb in range(1, len(bones)):
            side = str(self._pack.tables["limb_names"][limb])[-2:]
            start, stop = (self._heads[int(bone)] for bone in bones[limb])
            direction = unit(stop - start)
            arm = [self._head(name + side) for name in ("upperarm01", "lowerarm01", "wrist")]
            hinge, lateral = np.array([0.0, 0.0, 1.0]), np.array([0.0, 0.0, 1.0])
            if limb <= 4:
                hinge, lateral = np.cross(arm[1] - arm[0], arm[2] - arm[1]), np.array([-1.0, 0.0, 0.0])
            turns.append(frame(np.array([0.0, -1.0, 0.0]), lateral) @ frame(direction, hinge).T)
            directions.append(direction)
        return turns, directions

    def _finger_curls(self) -> dict[int, Floats]:
        """Turns that bend the fingers towards the palm, by bone."""
        curls = {}
        for bone, name in enumerate(self._pack.bone_names):
            if not name.startswith("finger") or name[6] == "1":
                continue
            side = name[-2:]
            wrist, index, little = (self._head(start + side) for start in ("wrist", "finger2-1", "finger5-1"))
            palm = np.cross(index - wrist, little - wrist) * (-1 if side == ".L" else 1)
            along = self._head(name[:8] + "3" + side) - self._head(name[:8] + "1" + side)
            curls[bone] = axis_turn(unit(np.cross(along, palm)), _CURL_RAD)
        return curls

    def _bone_turns(self, joints: Floats) -> Floats:
        """World rotations [bones, 3, 3] from those of the pack's joints [15, 3, 3]."""
        tables, count = self._pack.tables, len(self._pack.bone_names)
        driven = {int(bone): i for i, bone in enumerate(tables["retarget_bone"])}
        turns = np.zeros((count, 3, 3))
        for bone, parent in enumerate(self._pack.body["bone_parent"].tolist()):
            if bone in driven:
                turns[bone] = self._driven_turn(joints, driven[bone])
            else:
                turns[bone] = turns[parent] @ self._curls.get(bone, np.eye(3))
        return turns

    def _driven_turn(self, joints: Floats, row: int) -> Floats:
        tables = self._pack.tables
        joint, parent, limb = (
            int(tables[f"retarget_{name}"][row]) for name in ("joint", "parent_joint", "limb")
        )
        swing, twist = (float(value) for value in tables["retarget_swing_twist"][row])
        base = joints[parent] if joint != parent else np.eye(3)
        local = base.T @ joints[joint] @ self._corrections[limb]
        if limb == 0:
            return base @ power(local, swing)
        direction = self._limbs[limb]
        tilt = smallest_turn(direction, local @ direction)
        turn: Floats = base @ power(tilt, swing) @ power(tilt.T @ local, twist)
        return turn

    def pose(self, joints: Floats) -> tuple[Floats, Floats]:
        """Vertices [V, 3] and Halpe joints [26, 3] from the world turns [15, 3, 3] of the pack's joints."""
        body, heads = self._pack.body, self._heads
        turns = self._bone_turns(joints)
        places = np.zeros_like(heads)
        for bone, parent in enumerate(body["bone_parent"].tolist()):
            if parent >= 0:
                places[bone] = places[parent] + turns[parent] @ (heads[bone] - heads[parent])
        places -= places[self._hips].mean(axis=0)
        shift = places - np.einsum("bij,bj->bi", turns, heads)
        transforms = np.concatenate([turns, shift[..., None]], axis=-1).reshape(-1, 12).astype(np.float32)
        blended = (self._pack.skin @ transforms).reshape(-1, 3, 4)
        skinned = (blended[..., :3] * self._rest[self._pack.posed][:, None, :]).sum(axis=-1) + blended[..., 3]
        moved = np.zeros_like(self._rest)
        moved[self._pack.posed] = skinned
        return moved[self._pack.used], self._landmarks(moved, places)

    def _landmarks(self, vertices: Floats, places: Floats) -> Floats:
        body = self._pack.body
        sets = _set_means(
            vertices, body["surface_set_index"].astype(np.int64), body["surface_set_offset"].astype(np.int64)
        )
        rows = []
        for sources in body["halpe_source"].tolist():
            points = [places[s] if s >= 0 else sets[-s - 1] for s in sources if s != 32767]
            rows.append(np.mean(points, axis=0))
        return np.array(rows)


class PackBodies:
    """People of the pack, as scenes want them."""

    def __init__(self, pack: MeshPack, people: list[PackBody]) -> None:
        self._people = people
        self._pack = pack
        self._soles = _sole_vertices(pack)

    @property
    def faces(self) -> Ints:
        """[T, 3]"""
        return self._pack.faces

    @property
    def colours(self) -> NDArray[np.float32]:
        """[n, T, 3] sRGB in 0..1."""
        return np.stack([person.colours for person in self._people])

    @property
    def stature_m(self) -> NDArray[np.float32]:
        """[n]"""
        return np.array([person.stature_m for person in self._people], np.float32)

    def pose(self, rotations: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Vertices [n, V, 3] and Halpe joints [n, 26, 3], metres from the mid hips."""
        posed = [
            person.pose(turns) for person, turns in zip(self._people, _joint_turns(rotations), strict=True)
        ]
        vertices, joints = (np.stack(arrays).astype(np.float32) for arrays in zip(*posed, strict=True))
        return vertices, joints

    def soles(self, person: int, rotations: Array) -> NDArray[np.float32]:
        """[k, points, 3] the lowest parts of both feet, metres from the mid hip."""
        posed = [self._people[person].pose(turns)[0][self._soles] for turns in _joint_turns(rotations)]
        return np.stack(posed).astype(np.float32)


def _joint_turns(rotations: Array) -> Floats:
    """World turns [n, 15, 3, 3] of the pack's joints from our local rotations [n, bones, 4]."""
    local = quaternions.matrices(rotations.astype(np.float64))
    world: list[Floats] = []
    for bone, parent in enumerate(PARENTS):
        world.append(local[:, bone] if parent < 0 else world[parent] @ local[:, bone])
    return np.stack([world[BONE[name]] for name in _JOINTS], axis=1)


def _sole_vertices(pack: MeshPack) -> Ints:
    """Vertices of the feet that are near the ground at rest; the cloth shell is left out."""
    feet = np.isin(pack.quad_parts, ("foot_L", "foot_R")) & ~pack.quad_is_cloth
    candidates = np.unique(pack.quads[feet])
    heights = pack.body["vertices"][pack.used[candidates], 1].astype(np.float64)
    low: Ints = candidates[heights < heights.min() + 0.012]
    return low[:: max(len(low) // 60, 1)]

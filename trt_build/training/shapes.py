"""Bodies of many builds at rest, from the mesh pack's morph targets."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trt_build.training.draws import Draws
from trt_build.training.mesh_pack import Arrays, MeshPack, mean_rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapeBank:
    """S sampled bodies at rest."""

    rest: Tensor
    """[S, V, 3] vertices, metres."""
    normals: Tensor
    """[S, V, 3] unit, outward."""
    heads: Tensor
    """[S, B, 3] bone heads."""
    limb_down: Tensor
    """[S, 9, 3, 3] rotation of each limb's rest direction to straight down."""
    limb_direction: Tensor
    """[S, 9, 3] unit rest directions."""
    curl: Tensor
    """[S, 8, 3] axes about which fingers bend."""
    hip_over_sole_m: Tensor
    """[S] height of the hip joints over the soles."""
    stature_m: Tensor
    """[S]."""


def _triple(x: Tensor, names: tuple[str, str, str]) -> dict[str, Tensor]:
    low, high = (1 - 2 * x).clamp(min=0), (2 * x - 1).clamp(min=0)
    return dict(zip(names, (low, 1 - low - high, high), strict=True))


def _unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-9)


def _frame(direction: Tensor, towards: Tensor) -> Tensor:
    """Orthonormal columns: direction, the part of `towards` across it, their product."""
    d = _unit(direction)
    n = _unit(towards - d * (towards * d).sum(-1, keepdim=True))
    return torch.stack([d, n, torch.linalg.cross(d, n)], dim=-1)


class Shapes:
    """Makes bodies of many builds from the pack's morph targets."""

    def __init__(self, body: Arrays, motions: Arrays, pack: MeshPack) -> None:
        device = pack.triangles.device
        self._pack = pack
        self._base = torch.as_tensor(body["vertices"], device=device)
        self._targets = torch.as_tensor(body["targets"].astype(np.float32), device=device)
        self._names: list[str] = body["target_names"].tolist()
        self._heads = torch.as_tensor(
            mean_rows(body, "joint_vertex")[: len(body["bone_names"])], device=device
        )
        self._skin = torch.as_tensor(
            np.unique(body["faces"][body["face_surface"] == 0]).astype(np.int64), device=device
        )
        self._limb_names: list[str] = motions["limb_names"].tolist()
        self._limb_bones = motions["limb_bones"].astype(np.int64)
        self._bone: dict[str, int] = {name: i for i, name in enumerate(body["bone_names"].tolist())}

    def sample(self, count: int, draws: Draws) -> ShapeBank:
        """Bodies of adults: both sexes, all builds, 1.45 to 2.05 m."""
        gender = torch.where(
            draws.chance((count,), 0.5), draws.uniform((count,), 0, 0.15), draws.uniform((count,), 0.85, 1)
        )
        height = (1.67 + 0.13 * gender + draws.normal((count,), 0.085)).clamp(1.45, 2.05)
        race = -torch.log(draws.uniform((count, 3), 1e-6, 1))
        sliders = {
            "gender": gender,
            "age": draws.uniform((count,)) ** 4,
            "muscle": draws.uniform((count,), 0.2, 1),
            "weight": (draws.uniform((count,)) + draws.uniform((count,))) / 2,
            "proportions": draws.uniform((count,), 0.3, 0.9),
        }
        return self.build(sliders, race / race.sum(1, keepdim=True), height)

    def build(self, sliders: dict[str, Tensor], race: Tensor, height_m: Tensor) -> ShapeBank:
        """Bodies for sliders 0..1 [S] each (gender, age, muscle, weight, proportions), race [S, 3]."""
        none = torch.zeros_like(height_m)
        short = self._stature(self._morph(sliders, race, none))
        up = (height_m > short).float() * 2 - 1
        reach = self._stature(self._morph(sliders, race, up))
        slider = ((height_m - short) / (reach - short)).clamp(0, 0.8) * up
        rest = self._morph(sliders, race, slider)
        rest = rest * (height_m / self._stature(rest))[:, None, None]
        return self._bank(rest, height_m)

    def _morph(self, sliders: dict[str, Tensor], race: Tensor, height: Tensor) -> Tensor:
        weights = self._factor_weights(sliders, race, height)
        columns = []
        for name in self._names:
            product = torch.ones_like(height)
            for token in name.split("-"):
                product = product * weights.get(token, torch.ones_like(height))
            columns.append(product)
        return self._base + torch.einsum("st,tvc->svc", torch.stack(columns, 1), self._targets)

    def _factor_weights(self, sliders: dict[str, Tensor], race: Tensor, height: Tensor) -> dict[str, Tensor]:
        gender, age = sliders["gender"], sliders["age"]
        return {
            "female": 1 - gender, "male": gender, "young": 1 - age, "old": age,
            "african": race[:, 0], "asian": race[:, 1], "caucasian": race[:, 2],
            "minheight": (-height).clamp(min=0), "maxheight": height.clamp(min=0),
            **_triple(sliders["muscle"], ("minmuscle", "averagemuscle", "maxmuscle")),
            **_triple(sliders["weight"], ("minweight", "averageweight", "maxweight")),
            **_triple(sliders["proportions"], ("uncommonproportions", "", "idealproportions")),
        }  # fmt: skip

    def _stature(self, rest: Tensor) -> Tensor:
        y = rest[:, self._skin, 1]
        return y.amax(1) - y.amin(1)

    def _bank(self, rest: Tensor, height_m: Tensor) -> ShapeBank:
        heads = self._heads @ rest
        direction, down = self._limbs(heads)
        hips = list(self._pack.hip_bones)
        return ShapeBank(
            rest=rest.contiguous(),
            normals=vertex_normals(rest, self._pack.triangles),
            heads=heads,
            limb_down=down,
            limb_direction=direction,
            curl=self._curl_axes(heads),
            hip_over_sole_m=heads[:, hips, 1].mean(1) - rest[:, self._skin, 1].amin(1),
            stature_m=height_m,
        )

    def _limbs(self, heads: Tensor) -> tuple[Tensor, Tensor]:
        """Rest direction of each limb and the rotation that takes it straight down, hinge lateral."""
        directions = [heads.new_tensor([0.0, 1.0, 0.0]).expand(len(heads), 3)]
        rotations = [torch.eye(3, device=heads.device).expand(len(heads), 3, 3)]
        for k in range(1, len(self._limb_names)):
            start, end = self._limb_bones[k]
            direction = _unit(heads[:, end] - heads[:, start])
            hinge, lateral = self._hinge(heads, self._limb_names[k])
            target = _frame(heads.new_tensor([0.0, -1.0, 0.0]), lateral)
            directions.append(direction)
            rotations.append(target @ _frame(direction, hinge).transpose(-1, -2))
        return torch.stack(directions, 1), torch.stack(rotations, 1)

    def _hinge(self, heads: Tensor, limb: str) -> tuple[Tensor, Tensor]:
        if "arm" not in limb:
            return heads.new_tensor([0.0, 0.0, 1.0]).expand(len(heads), 3), heads.new_tensor([0.0, 0.0, 1.0])
        side = limb[-2:]
        shoulder, elbow, wrist = (
            heads[:, self._bone[name + side]] for name in ("upperarm01", "lowerarm01", "wrist")
        )
        return torch.linalg.cross(elbow - shoulder, wrist - elbow), heads.new_tensor([-1.0, 0.0, 0.0])

    def _curl_axes(self, heads: Tensor) -> Tensor:
        axes = []
        for side in (".L", ".R"):
            wrist, index, little = (
                heads[:, self._bone[name + side]] for name in ("wrist", "finger2-1", "finger5-1")
            )
            palm = torch.linalg.cross(index - wrist, little - wrist) * (-1 if side == ".L" else 1)
            for finger in range(2, 6):
                along = (
                    heads[:, self._bone[f"finger{finger}-3{side}"]]
                    - heads[:, self._bone[f"finger{finger}-1{side}"]]
                )
                axes.append(_unit(torch.linalg.cross(along, palm)))
        return torch.stack(axes, 1)


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Unit normals [I, V, 3] of meshes [I, V, 3] with counter-clockwise triangles [T, 3]."""
    index = triangles.long()
    a, b, c = (vertices[:, index[:, k]] for k in range(3))
    face = torch.linalg.cross(b - a, c - a)
    normals = torch.zeros_like(vertices)
    for k in range(3):
        normals.index_add_(1, index[:, k], face)
    return _unit(normals).contiguous()

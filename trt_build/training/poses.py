"""Random poses for the pack's bodies: captured frames, mixtures of two, and made-up stances."""

import math

import torch
from torch import Tensor

from trt_build.training.draws import Draws
from trt_build.training.mesh_pack import MeshPack

ROOT, CHEST, NECK, RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE = range(6)
RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE = range(6, 12)
LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST = range(12, 15)

_UPPER = (CHEST, NECK, RIGHT_SHOULDER, RIGHT_ELBOW, LEFT_SHOULDER, LEFT_ELBOW)
_ARMS = (RIGHT_SHOULDER, RIGHT_ELBOW, LEFT_SHOULDER, LEFT_ELBOW)
_HINGES = (RIGHT_KNEE, LEFT_KNEE, RIGHT_ELBOW, LEFT_ELBOW)
_CALM = ("jog", "walk", "run", "jump", "kick", "punch", "stealthy_walk", "dance_a", "dance_b", "spin")


def quaternion_about(axis: int, angle_rad: Tensor) -> Tensor:
    """Quaternions [..., 4] about a coordinate axis."""
    out = torch.zeros((*angle_rad.shape, 4), device=angle_rad.device)
    out[..., 0], out[..., axis + 1] = (angle_rad / 2).cos(), (angle_rad / 2).sin()
    return out


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """Hamilton product [..., 4]: `b` first, then `a`."""
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    real = aw * bw - (av * bv).sum(-1, keepdim=True)
    return torch.cat([real, aw * bv + bw * av + torch.linalg.cross(av, bv)], -1)


def random_poses(pack: MeshPack, count: int, draws: Draws) -> tuple[Tensor, Tensor]:
    """Local joint quaternions [I, 15, 4], facing anywhere, and the mid hip's height in motion metres [I]."""
    frame = _frames(pack, count, draws)
    rotations, height = pack.rotations[frame].clone(), pack.root_height_m[frame]
    _take(rotations, pack.rotations[_frames(pack, count, draws)], draws.chance((count,), 0.3), _UPPER)
    stance = draws.chance((count,), 0.28)
    rotations = torch.where(stance[:, None, None], _stances(count, draws), rotations)
    height = torch.where(stance, pack.hip_height_m, height)
    _take(rotations, _random_arms(count, draws), draws.chance((count,), 0.2), _ARMS)
    rotations = _perturbed(rotations, draws)
    yaw = quaternion_about(1, draws.uniform((count,), -math.pi, math.pi))
    rotations[:, ROOT] = multiply(yaw, rotations[:, ROOT])
    return rotations, height


def _frames(pack: MeshPack, count: int, draws: Draws) -> Tensor:
    """Frames drawn by motion first, so that long captures do not crowd out short ones."""
    names = pack.motions
    per_motion = torch.tensor([2.0 if name in _CALM else 1.0 for name in names], device=draws.device)
    lengths = torch.bincount(pack.motion_of, minlength=len(names))
    motion = torch.searchsorted(per_motion.cumsum(0), draws.uniform((count,)) * per_motion.sum())
    motion = motion.clamp(max=len(names) - 1)
    starts = lengths.cumsum(0) - lengths
    return starts[motion] + (draws.uniform((count,)) * lengths[motion]).long()


def _take(rotations: Tensor, source: Tensor, chosen: Tensor, joints: tuple[int, ...]) -> None:
    for joint in joints:
        rotations[:, joint] = torch.where(chosen[:, None], source[:, joint], rotations[:, joint])


def _stances(count: int, draws: Draws) -> Tensor:
    """Upright, lunging and squatting stances with arms near the body."""
    out = torch.zeros((count, 15, 4), device=draws.device)
    out[..., 0] = 1
    deep = draws.uniform((count,)) ** 2 * draws.chance((count,), 0.6)
    out[:, ROOT] = quaternion_about(0, deep * draws.uniform((count,), 0.2, 0.9))
    split = draws.normal((count,), 0.15)
    for side, hip, knee, ankle in (
        (1, LEFT_HIP, LEFT_KNEE, LEFT_ANKLE),
        (-1, RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE),
    ):
        flex = deep * draws.uniform((count,), 1.7, 2.3) + side * split
        out[:, hip] = multiply(
            quaternion_about(2, side * draws.uniform((count,), 0, 0.35)), quaternion_about(0, -flex)
        )
        bend = (deep * draws.uniform((count,), 1.6, 2.2) + draws.uniform((count,), 0, 0.2)).clamp(min=0)
        out[:, knee] = quaternion_about(0, bend)
        out[:, ankle] = quaternion_about(0, -0.5 * deep)
    for side, shoulder, elbow in ((1, LEFT_SHOULDER, LEFT_ELBOW), (-1, RIGHT_SHOULDER, RIGHT_ELBOW)):
        out[:, shoulder] = multiply(
            quaternion_about(2, side * draws.uniform((count,), 0.02, 0.4)),
            quaternion_about(0, -draws.uniform((count,), -0.4, 1.6) * draws.uniform((count,))),
        )
        out[:, elbow] = quaternion_about(0, -draws.uniform((count,), 0, 1.9) * draws.uniform((count,)))
    return out


def _random_arms(count: int, draws: Draws) -> Tensor:
    """Arms anywhere a shoulder reaches."""
    out = torch.zeros((count, 15, 4), device=draws.device)
    out[..., 0] = 1
    for side, shoulder, elbow in ((1, LEFT_SHOULDER, LEFT_ELBOW), (-1, RIGHT_SHOULDER, RIGHT_ELBOW)):
        raised = quaternion_about(2, side * draws.uniform((count,), 0, 2.8))
        forward = quaternion_about(0, -draws.uniform((count,), -0.8, 2.8))
        turned = quaternion_about(1, draws.uniform((count,), -1, 1))
        out[:, shoulder] = multiply(multiply(forward, raised), turned)
        out[:, elbow] = quaternion_about(0, -draws.uniform((count,), 0, 2.3))
    return out


def _perturbed(rotations: Tensor, draws: Draws) -> Tensor:
    """A small random turn at each joint; hinges turn about their own axis only."""
    vector = draws.normal((*rotations.shape[:2], 3), 0.09)
    vector[:, list(_HINGES), 1:] = 0
    vector[:, [RIGHT_WRIST, LEFT_WRIST]] = 0
    vector[:, NECK] += draws.normal((len(rotations), 3), 0.22)
    turn = torch.cat([torch.ones_like(vector[..., :1]), vector / 2], -1)
    out = multiply(rotations, turn)
    return out / out.norm(dim=-1, keepdim=True)

"""Pinhole cameras over a ground plane, one per picture.

World: metres, y up. Camera: x right, y down, z forward.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cameras:
    """B cameras; pixels are those of the final picture."""

    rotation: Tensor
    """[B, 3, 3] world to camera."""
    position: Tensor
    """[B, 3] metres."""
    focal_px: Tensor
    """[B]."""
    centre_px: Tensor
    """[B, 2]."""

    def to_camera(self, points: Tensor, image: Tensor) -> Tensor:
        """World points [I, N, 3] of pictures [I] in their camera's frame."""
        return (points - self.position[image][:, None]) @ self.rotation[image].transpose(-1, -2)

    def turn(self, directions: Tensor, image: Tensor) -> Tensor:
        """World directions [I, N, 3] in the camera's frame."""
        return directions @ self.rotation[image].transpose(-1, -2)

    def project(self, points: Tensor, image: Tensor) -> Tensor:
        """World points [I, N, 3] as x px, y px, depth m."""
        camera = self.to_camera(points, image)
        depth = camera[..., 2:].clamp(min=0.02)
        flat = camera[..., :2] / depth * self.focal_px[image][:, None, None] + self.centre_px[image][:, None]
        return torch.cat([flat, camera[..., 2:]], -1)

    def ray(self, points_px: Tensor, image: Tensor) -> Tensor:
        """World directions [I, 3] (camera depth 1) through pixels [I, 2]."""
        flat = (points_px - self.centre_px[image]) / self.focal_px[image][:, None]
        ray = torch.cat([flat, torch.ones_like(flat[:, :1])], 1)
        return (ray[:, None] @ self.rotation[image])[:, 0]


def tilted(pitch_rad: Tensor, roll_rad: Tensor) -> Tensor:
    """World-to-camera rotations [B, 3, 3]: along world -z, tilted down by `pitch_rad`, then rolled."""
    zero, one = torch.zeros_like(pitch_rad), torch.ones_like(pitch_rad)
    c, s = pitch_rad.cos(), pitch_rad.sin()
    looking = torch.stack([one, zero, zero, zero, -c, s, zero, -s, -c], -1).unflatten(-1, (3, 3))
    c, s = roll_rad.cos(), roll_rad.sin()
    rolled = torch.stack([c, -s, zero, s, c, zero, zero, zero, one], -1).unflatten(-1, (3, 3))
    return rolled @ looking

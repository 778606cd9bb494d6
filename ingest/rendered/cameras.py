"""Pinhole cameras and how they move during a clip.

World: metres, y up, ground at y = 0. Camera: x right, y down, z forward. Pixel centres are at index + 0.5.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One picture's camera."""

    turn: Floats
    """[3, 3] world to camera."""
    position_m: Floats
    """[3]"""
    focal_px: float
    size: tuple[int, int]
    """Width and height in pixels; the principal point is the middle."""

    @property
    def intrinsics(self) -> tuple[float, float, float, float]:
        """fx, fy, cx, cy in pixels."""
        return self.focal_px, self.focal_px, self.size[0] / 2, self.size[1] / 2

    def to_camera(self, points_m: Floats) -> Floats:
        """World points [..., 3] in the camera frame, metres."""
        moved: Floats = (points_m - self.position_m) @ self.turn.T
        return moved

    def project(self, points_m: Floats) -> Floats:
        """World points [..., 3] as x px, y px and depth in metres; depths are kept above 1 mm."""
        return self.picture(self.to_camera(points_m))

    def picture(self, camera_m: Floats) -> Floats:
        """Points [..., 3] of the camera frame as x px, y px and depth in metres."""
        depth = np.maximum(camera_m[..., 2:], 1e-3)
        centre = np.array([self.size[0] / 2, self.size[1] / 2])
        return np.concatenate([camera_m[..., :2] / depth * self.focal_px + centre, depth], axis=-1)

    def plane_homography(self, origin_m: Floats, along_m: Floats, across_m: Floats) -> Floats:
        """[3, 3] from coordinates (a, b) on the plane origin + a * along + b * across to pixels."""
        columns = np.stack([along_m, across_m, origin_m - self.position_m], axis=1)
        width, height = self.size
        lens = np.array([[self.focal_px, 0, width / 2], [0, self.focal_px, height / 2], [0, 0, 1.0]])
        homography: Floats = lens @ self.turn @ columns
        return homography


def look(yaw_rad: float, pitch_rad: float, roll_rad: float) -> Floats:
    """World-to-camera turn; yaw 0 looks along -z, positive yaw to the right, positive pitch up."""
    forward = np.array(
        [
            np.sin(yaw_rad) * np.cos(pitch_rad),
            np.sin(pitch_rad),
            -np.cos(yaw_rad) * np.cos(pitch_rad),
        ]
    )
    right = np.array([np.cos(yaw_rad), 0.0, np.sin(yaw_rad)])
    down = np.cross(forward, right)
    cosine, sine = np.cos(roll_rad), np.sin(roll_rad)
    return np.stack([cosine * right + sine * down, cosine * down - sine * right, forward])


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPath:
    """A camera on a spot whose aim is a function of time."""

    position_m: Floats
    focal_px: float
    size: tuple[int, int]
    times_s: Floats
    """[n] increasing."""
    angles_rad: Floats
    """[n, 3] yaw, pitch and roll at those times, linear between them."""

    def at(self, time_s: float) -> Camera:
        """The camera at a time; the aim stays put outside the path's times."""
        yaw, pitch, roll = (float(np.interp(time_s, self.times_s, self.angles_rad[:, i])) for i in range(3))
        return Camera(
            turn=look(yaw, pitch, roll), position_m=self.position_m, focal_px=self.focal_px, size=self.size
        )

    @property
    def moves(self) -> bool:
        """Whether any two pictures differ in aim."""
        return bool(np.ptp(self.angles_rad, axis=0).max() > 1e-9)

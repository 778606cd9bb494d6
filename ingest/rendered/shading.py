"""Light on smooth surfaces and soft shadows on the ground."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest.rendered.backgrounds import Light
from ingest.rendered.cameras import Camera
from ingest.rendered.textures import Picture

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class SmoothNormals:
    """Vertex normals of meshes that share their faces."""

    def __init__(self, faces: Ints, vertex_count: int) -> None:
        self._faces = faces
        corner_vertex = faces.reshape(-1)
        order = np.argsort(corner_vertex, kind="stable")
        degree = np.bincount(corner_vertex, minlength=vertex_count)
        start = np.cumsum(degree) - degree
        place = np.arange(len(order)) - start[corner_vertex[order]]
        table = np.full((vertex_count, int(degree.max(initial=1))), len(faces))
        table[corner_vertex[order], place] = order // 3
        self._table = table

    def __call__(self, vertices: Floats) -> Floats:
        """Unit normals [n, V, 3] of vertices [n, V, 3], weighted by the areas of the faces."""
        first, second, third = (vertices[:, self._faces[:, i]] for i in range(3))
        a, b = second - first, third - first
        areas = np.empty((len(vertices), len(self._faces) + 1, 3), np.float32)
        for i in range(3):
            j, k = (i + 1) % 3, (i + 2) % 3
            areas[:, :-1, i] = a[..., j] * b[..., k] - a[..., k] * b[..., j]
        areas[:, -1] = 0.0
        normals = areas[:, self._table].sum(axis=2)
        lengths = np.sqrt((normals * normals).sum(axis=-1, keepdims=True))
        unit: Floats = normals / np.maximum(lengths, 1e-12)
        return unit


def illuminate(normals: Floats, light: Light) -> Floats:
    """Light per channel [..., 3] on surfaces with the given normals [..., 3]."""
    sunlit = np.clip(normals @ light.direction.astype(np.float32) * 0.85 + 0.15, 0.0, None)
    up = normals[..., 1:2] * 0.5 + 0.5
    lit: Floats = light.sun * sunlit[..., None] + light.sky * up + light.bounce * (1 - up)
    return lit


_CAPSULES = ((5, 6, 0.16), (5, 11, 0.14), (6, 12, 0.14), (11, 12, 0.13), (11, 13, 0.075), (13, 15, 0.055),
             (12, 14, 0.075), (14, 16, 0.055), (5, 7, 0.05), (7, 9, 0.04), (6, 8, 0.05), (8, 10, 0.04),
             (17, 18, 0.09), (24, 20, 0.045), (25, 21, 0.045))  # fmt: skip
"""Halpe joints at the ends of a limb and its radius in metres, for shadows."""


def cast_shadows(picture: Picture, joints_m: NDArray[np.float64], camera: Camera, light: Light) -> Picture:
    """Darken the ground where the light of the sun does not reach; joints_m [n, 26, 3] in the world."""
    if light.shadow < 0.02 or not len(joints_m):
        return picture
    direction = np.array(light.direction)
    ground = joints_m - direction * (joints_m[..., 1:2] / direction[1])
    ground[..., 1] = 0.0
    spots = camera.project(ground)
    if (camera.to_camera(ground)[..., 2] < 0.3).any():
        return picture
    mask = np.zeros((camera.size[1] // 2, camera.size[0] // 2), np.uint8)
    flatten = np.sqrt(
        np.clip(camera.position_m[1] / np.linalg.norm(ground[:, 0] - camera.position_m, axis=-1), 0.02, 1)
    )
    for person, points in enumerate(spots):
        for first, second, radius in _CAPSULES:
            width = radius * camera.focal_px / points[first, 2] * float(flatten[person])
            ends = [tuple(int(v) for v in np.clip(points[i, :2] / 2, -9000, 9000)) for i in (first, second)]
            cv2.line(mask, ends[0], ends[1], (255,), max(int(width), 1))
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(camera.size[1] / 360, 0.8)), dtype=np.uint8)
    return _darken(picture, soft, light.shadow)


def _darken(picture: Picture, mask: Picture, strength: float) -> Picture:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return picture
    top, bottom, left, right = rows[0] * 2, rows[-1] * 2 + 2, columns[0] * 2, columns[-1] * 2 + 2
    part = cv2.resize(mask[top // 2 : bottom // 2, left // 2 : right // 2], (right - left, bottom - top))
    factor = 255 - (part.astype(np.uint16) * int(strength * 256) >> 8)
    darkened = picture.copy()
    region = darkened[top:bottom, left:right]
    region[:] = (region * factor[..., None].astype(np.uint16) >> 8).astype(np.uint8)
    return darkened

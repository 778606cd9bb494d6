"""Which joints and how much of each body a picture shows."""

import numpy as np
from numpy.typing import NDArray

from ingest.rendered.cameras import Camera
from ingest.rendered.compositing import Exposure
from ingest.rendered.rasterizer import rasterize
from ingest.rendered.truth import FrameTruth

Floats = NDArray[np.float64]

_NEARER_M = 0.02
"""Something hides a joint when it is nearer than the joint by more than this."""
_SOLO_PX = 320
"""Bodies are drawn alone at most this large to count their pixels."""


def truth_of(
    camera: Camera, people_m: tuple[Floats, Floats], faces: NDArray[np.int64], exposure: Exposure
) -> FrameTruth:
    """Truth from vertices [P, V, 3] and joints [P, 26, 3] in the world and what the picture shows of them."""
    vertices_m, joints_m = people_m
    in_camera = camera.to_camera(joints_m)
    joints = camera.picture(in_camera)
    outlines = camera.project(vertices_m)
    return FrameTruth(
        identities=np.arange(len(joints), dtype=np.int32),
        keypoints_px=joints[..., :2],
        keypoints_mm=in_camera * 1000.0,
        visible=_visible(joints, exposure, camera.size),
        boxes_px=_boxes(outlines, camera.size),
        visible_fraction=_fractions(outlines, faces, exposure, camera.size),
        intrinsics_px=camera.intrinsics,
    )


def _visible(joints: Floats, exposure: Exposure, size: tuple[int, int]) -> NDArray[np.bool_]:
    """[P, 26] for joints [P, 26, (x px, y px, depth m)]."""
    inside = (
        (joints[..., :2] >= 0).all(axis=-1) & (joints[..., :2] < size).all(axis=-1) & (joints[..., 2] > 0.05)
    )
    height, width = exposure.owner.shape
    column = np.floor(joints[..., 0]).astype(np.int64) - exposure.origin[0]
    row = np.floor(joints[..., 1]).astype(np.int64) - exposure.origin[1]
    drawn = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    row, column = np.where(drawn, row, 0), np.where(drawn, column, 0)
    owner, depth = exposure.owner[row, column], exposure.depth_m[row, column]
    other = drawn & (owner >= 0) & (owner != np.arange(len(joints))[:, None])
    visible: NDArray[np.bool_] = inside & ~(other & (depth < joints[..., 2] - _NEARER_M))
    return visible


def _boxes(outlines: Floats, size: tuple[int, int]) -> Floats:
    """[P, 4] of outlines [P, V, 3]; people behind the camera get an empty box."""
    before = (outlines[..., 2] > 0.05).all(axis=1)
    limits = np.array([*size, *size], dtype=np.float64)
    boxes = np.concatenate([outlines[..., :2].min(axis=1), outlines[..., :2].max(axis=1)], axis=1)
    return np.where(before[:, None], np.clip(boxes, 0.0, limits), 0.0)


def _fractions(
    outlines: Floats, faces: NDArray[np.int64], exposure: Exposure, size: tuple[int, int]
) -> Floats:
    inside = (outlines[..., :2] >= 0).all(axis=(1, 2)) & (outlines[..., :2] <= size).all(axis=(1, 2))
    boxes = _boxes(outlines, size)
    shown = np.bincount(exposure.owner[exposure.owner >= 0], minlength=len(outlines))[: len(outlines)]
    fractions = np.zeros(len(outlines))
    for person in np.flatnonzero(shown):
        if inside[person] and _alone(person, boxes[person], exposure):
            fractions[person] = 1.0
            continue
        whole = _whole_area(outlines[person], faces)
        fractions[person] = min(shown[person] / max(whole, 1.0), 1.0)
    return fractions


def _alone(person: int, box: Floats, exposure: Exposure) -> bool:
    """Whether nothing else is drawn inside the person's box."""
    left, top = exposure.origin
    x1, y1, x2, y2 = np.floor(box).astype(int) - [left, top, left, top]
    owners = exposure.owner[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1]
    return bool(((owners == person) | (owners < 0)).all())


def _whole_area(outline: Floats, faces: NDArray[np.int64]) -> float:
    """Pixels that a body covers alone in a picture without edges."""
    low, high = outline[:, :2].min(axis=0) - 1, outline[:, :2].max(axis=0) + 1
    scale = min(1.0, _SOLO_PX / float((high - low).max()))
    width, height = (int(value) for value in np.ceil((high - low) * scale))
    points = np.concatenate([(outline[:, :2] - low) * scale, outline[:, 2:]], axis=1)
    return len(rasterize(points, faces, (width, height)).pixels) / scale**2

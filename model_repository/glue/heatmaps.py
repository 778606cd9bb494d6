"""Joints from HRNet's heatmaps: the maximum, moved a quarter of a cell towards its higher neighbour."""

import numpy as np
from numpy.typing import NDArray

from model_repository.glue.crops import heatmap_to_picture

QUARTER = 0.25
"""Official `get_final_preds` with POST_PROCESS."""


def decode_joints(heatmaps: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heatmaps [P, K, h, w] of the crops of `boxes` [P, 4+] -> joints [P, K, 3]: x y in picture px, score."""
    points, scores = heatmap_maxima(heatmaps)
    points = refine(points, heatmaps)
    height, width = heatmaps.shape[2:]
    return np.concatenate([heatmap_to_picture(points, boxes, (height, width)), scores[..., None]], axis=-1)


def heatmap_maxima(heatmaps: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places [P, K, 2] (x y, indices) and values [P, K] of the maxima; place 0 0 where none is positive."""
    people, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(people, joints, height * width)
    place = flat.argmax(axis=2)
    scores = np.take_along_axis(flat, place[..., None], axis=2)[..., 0]
    points = np.stack([place % width, place // width], axis=-1).astype(np.float32)
    return points * (scores > 0)[..., None], scores


def refine(points: NDArray[np.float32], heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maxima [P, K, 2] moved towards the higher neighbour, except those near the border."""
    height, width = heatmaps.shape[2:]
    x, y = points[..., 0].astype(np.intp), points[..., 1].astype(np.intp)
    inside = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    x, y = np.where(inside, x, 1), np.where(inside, y, 1)
    person, joint = np.ogrid[: points.shape[0], : points.shape[1]]
    slope_x = heatmaps[person, joint, y, x + 1] - heatmaps[person, joint, y, x - 1]
    slope_y = heatmaps[person, joint, y + 1, x] - heatmaps[person, joint, y - 1, x]
    offset = QUARTER * np.sign(np.stack([slope_x, slope_y], axis=-1))
    return (points + offset * inside[..., None]).astype(np.float32)

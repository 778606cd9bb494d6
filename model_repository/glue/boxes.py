"""People boxes: from the detector's square input back to the picture, and non-maximum suppression.

Boxes are continuous picture coordinates, as YOLOX is trained on: a pixel's centre is at its index + 0.5,
so scaling needs no offset.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]
"""Height and width, px."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionLimits:
    """What counts as a person."""

    score_min: float
    """Smallest objectness x class score."""
    iou_max: float
    """Of two boxes that overlap more, the better one stays."""
    people_max: int
    """Per frame; the best stay."""


def letterbox_scale(picture_hw: Size, network_hw: Size) -> float:
    """Network pixels per picture pixel (YOLOX `preproc`)."""
    return min(network_hw[0] / picture_hw[0], network_hw[1] / picture_hw[1])


def letterboxed_hw(picture_hw: Size, network_hw: Size) -> Size:
    """Size of the picture inside the network's input: rounded down as YOLOX does, at least one pixel."""
    scale = letterbox_scale(picture_hw, network_hw)
    return max(int(picture_hw[0] * scale), 1), max(int(picture_hw[1] * scale), 1)


def select_people(
    predictions: NDArray[np.float32], scale: float, limits: DetectionLimits
) -> NDArray[np.float32]:
    """Detections [A, 5] (cx cy w h in network px, score) -> boxes [P, 5] (x1 y1 x2 y2 in picture px, score).

    Best first. Boxes may reach over the picture's border, as in the official code.
    """
    candidates = predictions[predictions[:, 4] >= limits.score_min]
    candidates = candidates[np.isfinite(candidates).all(axis=1)]
    boxes = corners(candidates)
    boxes[:, :4] /= np.float32(scale)
    return boxes[suppress(boxes, limits.iou_max, limits.people_max)]


def corners(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[P, 5] cx cy w h score -> x1 y1 x2 y2 score."""
    half = boxes[:, 2:4] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half, boxes[:, 4:5]], axis=1)


def suppress(boxes: NDArray[np.float32], iou_max: float, keep_max: int) -> NDArray[np.intp]:
    """Indices of the boxes [P, 5] to keep, best first; among equal scores the earlier box wins."""
    waiting = np.argsort(-boxes[:, 4], kind="stable")
    kept: list[int] = []
    while len(waiting) and len(kept) < keep_max:
        best, rest = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = rest[overlaps(boxes[best], boxes[rest]) <= iou_max]
    return np.array(kept, dtype=np.intp)


def overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of one box [4+] with each of `others` [P, 4+]."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:4], others[:, 2:4])
    common = np.clip(high - low, 0, None).prod(axis=1)
    union = _area(box[None]) + _area(others) - common
    shares: NDArray[np.float32] = common / np.maximum(union, np.finfo(np.float32).tiny)
    return shares


def _area(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes[:, 2:4] - boxes[:, :2]).prod(axis=1)
    return areas

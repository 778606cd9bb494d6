"""The place of a person's crop in the picture, and of the crop's joints: HRNet's official geometry.

HRNet counts pixels by index (a centre is at an integer), Marey by continuous coordinates (a centre is
at index + 0.5). This file is the one place that converts: `crop_transforms` on the way in,
`heatmap_to_picture` on the way out. HRNet's own half-pixel habit (the box's centre falls on index
size / 2, not (size - 1) / 2) is part of its training and is kept in both directions.
"""

import numpy as np
from numpy.typing import NDArray

from model_repository.glue.boxes import Size

PIXEL_CENTRE = 0.5
"""Continuous coordinate of a pixel's centre minus its index."""
PADDING = 1.25
"""Crop size over box size (`_box2cs` in the official lib/dataset/coco.py)."""


def crop_regions(boxes: NDArray[np.float32], aspect: float) -> NDArray[np.float64]:
    """Boxes [P, 4+] (x1 y1 x2 y2) -> regions [P, 4] (cx cy w h): padded, with w / h = `aspect`."""
    box = boxes[:, :4].astype(np.float64)
    centre = (box[:, :2] + box[:, 2:]) / 2
    size = np.maximum(box[:, 2:] - box[:, :2], 1)
    width = np.maximum(size[:, 0], size[:, 1] * aspect)
    return np.column_stack([centre, width * PADDING, width / aspect * PADDING])


def crop_transforms(boxes: NDArray[np.float32], crop_hw: Size) -> NDArray[np.float64]:
    """Affine matrices [P, 2, 3] from the picture's pixel indices to the crop's (`get_affine_transform`)."""
    height, width = crop_hw
    regions = crop_regions(boxes, width / height)
    scale = width / regions[:, 2]
    transforms = np.zeros((len(regions), 2, 3))
    transforms[:, 0, 0] = transforms[:, 1, 1] = scale
    centre_index = regions[:, :2] - PIXEL_CENTRE
    transforms[:, :, 2] = np.array([width, height]) / 2 - centre_index * scale[:, None]
    return transforms


def heatmap_to_picture(
    points: NDArray[np.float32], boxes: NDArray[np.float32], heatmap_hw: Size
) -> NDArray[np.float32]:
    """Heatmap indices [P, K, 2] (x y) of the crops of `boxes` [P, 4+] -> continuous picture px [P, K, 2].

    Official `transform_preds`: centre + (point - size / 2) * region / size, which is in indices when the
    centre is; both shifts by half a pixel (index centre in, continuous joint out) cancel.
    """
    height, width = heatmap_hw
    regions = crop_regions(boxes, width / height)
    step = (regions[:, 2] / width)[:, None, None]
    centre_index = regions[:, None, :2] - PIXEL_CENTRE
    index = centre_index + (points - np.array([width, height]) / 2) * step
    return (index + PIXEL_CENTRE).astype(np.float32)

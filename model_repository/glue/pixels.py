"""Resizing and cropping of pictures on the CPU, with OpenCV. `pixel_arrays` does the same on any device."""

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from model_repository.glue.boxes import Size, letterboxed_hw

GREY = 114
"""YOLOX pads with this value."""


def letterbox(frames: NDArray[np.uint8], network_hw: Size) -> NDArray[np.uint8]:
    """Frames [N, H, W, 3] -> [N, *network_hw, 3]: resized at the top left, grey elsewhere."""
    _, picture_height, picture_width, _ = frames.shape
    height, width = letterboxed_hw((picture_height, picture_width), network_hw)
    images = np.full((len(frames), *network_hw, 3), GREY, dtype=np.uint8)
    for frame, image in zip(frames, images, strict=True):
        image[:height, :width] = cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR)
    return images


def warp_crops(
    frames: NDArray[np.uint8],
    frame_index: Iterable[int],
    transforms: NDArray[np.float64],
    crop_hw: Size,
) -> NDArray[np.uint8]:
    """Crops [P, *crop_hw, 3]; crop p is frame `frame_index[p]` by `transforms[p]` [2, 3], black outside."""
    crops = np.empty((len(transforms), *crop_hw, 3), dtype=np.uint8)
    for crop, index, transform in zip(crops, frame_index, transforms, strict=True):
        cv2.warpAffine(frames[index], transform, crop_hw[::-1], dst=crop, flags=cv2.INTER_LINEAR)
    return crops

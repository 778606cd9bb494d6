"""Ground truth of a rendered frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameTruth:
    """What is in a picture, at the middle of its exposure. P people, also those out of the picture."""

    identities: NDArray[np.int32]
    """[P] the same person has the same number in all frames."""
    keypoints_px: NDArray[np.float64]
    """[P, 26, 2] joints of `core.skeletons.HALPE_26`, pixel centres at index + 0.5."""
    keypoints_mm: NDArray[np.float64]
    """[P, 26, 3] in the camera frame: x right, y down, z forward."""
    visible: NDArray[np.bool_]
    """[P, 26] inside the picture and not behind another person or thing; own limbs do not count."""
    boxes_px: NDArray[np.float64]
    """[P, 4] x1 y1 x2 y2 of the body's outline, clipped to the picture; empty when it is outside."""
    visible_fraction: NDArray[np.float64]
    """[P] visible pixels over the pixels that the whole body would cover in an endless picture."""
    intrinsics_px: tuple[float, float, float, float]
    """fx, fy, cx, cy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedFrame:
    """One picture of a scene."""

    image: NDArray[np.uint8]
    """[height, width, 3] RGB"""
    truth: FrameTruth

"""From the decoder's luma and chroma to RGB: what the kernel does, as array arithmetic."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""ITU-T H.273, table 4: matrix coefficients -> weights of red and blue in luma (BT.709, BT.601, BT.2020)."""
_UNSPECIFIED = 2
_HD_MIN_HEIGHT_PX = 720


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Coefficients from samples on the scale 0..255 (deeper ones divided down) to RGB 0..255."""

    luma_offset: float
    luma_gain: float
    red_v: float
    green_u: float
    green_v: float
    blue_u: float


def named_matrix(matrix: int, height_px: int) -> int:
    """The matrix to use. Where a video names none: BT.709 from 720 lines on, BT.601 below, as players do."""
    if matrix != _UNSPECIFIED:
        return matrix
    return 1 if height_px >= _HD_MIN_HEIGHT_PX else 6


def conversion(matrix: int, bit_depth: int, *, is_full_range: bool) -> Conversion | None:
    """Coefficients of ITU-T H.273 matrix `matrix`; None for one that is not a luma and chroma of ours."""
    weights = _LUMA_WEIGHTS.get(matrix)
    if weights is None:
        return None
    red, blue = weights
    green = 1 - red - blue
    # Full range ends at 2^depth - 1, which is a little less than 256 * 2^(depth - 8).
    full_gain = 255 * 2 ** (bit_depth - 8) / (2**bit_depth - 1)
    chroma_gain = full_gain if is_full_range else 255 / 224
    return Conversion(
        luma_offset=0.0 if is_full_range else 16.0,
        luma_gain=full_gain if is_full_range else 255 / 219,
        red_v=2 * (1 - red) * chroma_gain,
        green_u=-2 * (1 - blue) * blue / green * chroma_gain,
        green_v=-2 * (1 - red) * red / green * chroma_gain,
        blue_u=2 * (1 - blue) * chroma_gain,
    )


def to_rgb(
    luma: NDArray[np.float32], chroma: NDArray[np.float32], how: Conversion, rotation_deg: int
) -> NDArray[np.uint8]:
    """Displayed RGB [h, w, 3] of coded samples on the scale 0..255, turned clockwise by `rotation_deg`.

    `luma` is [height, width], `chroma` [ceil(height / 2), ceil(width / 2), 2] (U, V), each for 2x2 pixels.
    """
    height, width = luma.shape
    u, v = np.moveaxis(chroma.repeat(2, axis=0).repeat(2, axis=1)[:height, :width] - 128, 2, 0)
    y = (luma - how.luma_offset) * how.luma_gain
    rgb = np.stack([y + how.red_v * v, y + how.green_u * u + how.green_v * v, y + how.blue_u * u], axis=-1)
    rounded = np.floor(np.clip(rgb, 0, 255) + 0.5).astype(np.uint8)
    return np.ascontiguousarray(np.rot90(rounded, -rotation_deg // 90))

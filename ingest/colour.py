"""Decoded pictures to displayed RGB."""

import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

_AVCOL_SPC_UNSPECIFIED = 2
_HD_MIN_HEIGHT_PX = 720
_CV_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


class RgbConverter:
    """Turns decoded pictures into RGB of one size, as a player would show them.

    The colour matrix and range are the picture's own. Where it names no matrix, BT.709 is taken for
    pictures at least 720 lines high and BT.601 below, as players do. HDR is not tone-mapped.
    """

    def __init__(self, width_px: int, height_px: int, rotation_deg: int, threads: int) -> None:
        """Sizes are as displayed; `rotation_deg` is the clockwise turn to get there."""
        turned = rotation_deg in {90, 270}
        self._coded_width_px, self._coded_height_px = (
            (height_px, width_px) if turned else (width_px, height_px)
        )
        self._rotation = _CV_ROTATIONS.get(rotation_deg)
        self._threads = threads
        self._reformatter = VideoReformatter()

    def convert_into(self, picture: VideoFrame, rgb: NDArray[np.uint8]) -> None:
        """Write a picture into `rgb`, a contiguous [height, width, 3] array."""
        converted = self._reformatter.reformat(
            picture,
            width=self._coded_width_px,
            height=self._coded_height_px,
            format="rgb24",
            src_colorspace=_colour_matrix(picture),
            dst_color_range=ColorRange.JPEG,
            threads=self._threads,
        )
        view = _rgb_view(converted)
        if self._rotation is None:
            np.copyto(rgb, view)
        else:
            cv2.rotate(view, self._rotation, dst=rgb)


def _rgb_view(picture: VideoFrame) -> NDArray[np.uint8]:
    plane = picture.planes[0]
    shape = (picture.height, picture.width, 3)
    data = np.frombuffer(memoryview(plane), np.uint8)
    view: NDArray[np.uint8] = np.ndarray(shape, np.uint8, data, strides=(plane.line_size, 3, 1))
    return view


def _colour_matrix(picture: VideoFrame) -> int | None:
    if picture.colorspace != _AVCOL_SPC_UNSPECIFIED:
        return None
    return Colorspace.ITU709 if picture.height >= _HD_MIN_HEIGHT_PX else Colorspace.ITU601

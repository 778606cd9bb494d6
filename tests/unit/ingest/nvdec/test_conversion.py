"""Our colour arithmetic against swscale's, and the kernel against the arithmetic."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from ingest.colour import RgbConverter
from ingest.nvdec.build_kernels import source_mark
from ingest.nvdec.conversion import conversion, named_matrix, to_rgb
from ingest.nvdec.device import PTX, Picture
from ingest.places import DevicePlace
from tests.services.software_nvdec import HostStream

MEAN_TOLERANCE = 2.0
"""Levels of 255: the project's bound on the difference to FFmpeg's own conversion."""
MATRICES = {1: Colorspace.ITU709, 6: Colorspace.ITU601}


def samples(height: int, width: int, bit_depth: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Smooth luma [h, w] and chroma [h / 2, w / 2, 2] over most of the range, whole at `bit_depth`."""
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    luma = 16 + 219 * (0.5 + 0.4 * np.sin(9 * rows + 5 * columns))
    rows, columns = np.mgrid[: -(-height // 2), : -(-width // 2)] / max(height, width) * 2
    u, v = 128 + 50 * np.sin(7 * columns + 3 * rows), 128 + 50 * np.cos(5 * rows - columns)
    steps = 2 ** (bit_depth - 8)
    return (
        (np.rint(luma * steps) / steps).astype(np.float32),
        (np.rint(np.stack([u, v], -1) * steps) / steps).astype(np.float32),
    )


def picture_of(
    luma: NDArray[np.float32], chroma: NDArray[np.float32], bit_depth: int, matrix: int, *, full: bool
) -> VideoFrame:
    """FFmpeg's picture of these samples."""
    height, width = luma.shape
    frame = VideoFrame(width, height, "yuv420p" if bit_depth == 8 else "yuv420p10le")
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    for plane, values in zip(frame.planes, (luma, chroma[..., 0], chroma[..., 1]), strict=True):
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        rows[:, : values.shape[1]] = values * 2 ** (bit_depth - 8)
    frame.colorspace = MATRICES[matrix]
    frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
    return frame


@pytest.mark.parametrize("size_px", [(128, 96), (101, 75), (320, 181)])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_as_ffmpeg_shows_it(
    size_px: tuple[int, int], full: bool, matrix: int, bit_depth: int, rotation_deg: int
) -> None:
    width, height = size_px
    luma, chroma = samples(height, width, bit_depth)
    how = conversion(matrix, bit_depth, is_full_range=full)
    assert how is not None
    got = to_rgb(luma, chroma, how, rotation_deg)
    shown = (height, width) if rotation_deg in {90, 270} else (width, height)
    expected = np.empty((shown[1], shown[0], 3), np.uint8)
    picture = picture_of(luma, chroma, bit_depth, matrix, full=full)
    RgbConverter(*shown, rotation_deg, 1).convert_into(picture, expected)
    assert np.abs(got.astype(int) - expected).mean() <= MEAN_TOLERANCE


@pytest.mark.parametrize("size_px", [(128, 96), (101, 75)])
@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_the_kernel_is_the_arithmetic(size_px: tuple[int, int], bit_depth: int, rotation_deg: int) -> None:
    width, height = size_px
    luma, chroma = samples(height, width, bit_depth)
    how = conversion(1, bit_depth, is_full_range=False)
    assert how is not None
    expected = to_rgb(luma, chroma, how, rotation_deg)
    dtype, unit = (np.uint8, 1) if bit_depth == 8 else (np.uint16, 256)
    pitch = 2 * width + 6
    planes = np.zeros((2, height + 1, pitch // np.dtype(dtype).itemsize), dtype)
    planes[0, :height, :width] = luma * unit
    planes[1, : len(chroma), : 2 * chroma.shape[1]] = (chroma * unit).reshape(len(chroma), -1)
    got = np.zeros_like(expected)
    picture = Picture(
        luma=planes[0].ctypes.data,
        chroma=planes[1].ctypes.data,
        pitch_bytes=pitch // np.dtype(dtype).itemsize * np.dtype(dtype).itemsize,
        height_px=height,
        width_px=width,
        bit_depth=bit_depth,
    )
    HostStream().convert(picture, how, rotation_deg, DevicePlace(got.ctypes.data))
    assert np.abs(got.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("matrix", "height_px", "expected"), [(2, 720, 1), (2, 719, 6), (5, 1080, 5), (1, 240, 1)]
)
def test_a_video_that_names_no_matrix(matrix: int, height_px: int, expected: int) -> None:
    assert named_matrix(matrix, height_px) == expected


def test_rgb_and_unknown_matrices_are_not_ours() -> None:
    assert conversion(0, 8, is_full_range=True) is None
    assert conversion(8, 8, is_full_range=False) is None


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bit_depth", [8, 10])
def test_black_and_white_end_at_0_and_255(full: bool, bit_depth: int) -> None:
    top = (2**bit_depth - 1) / 2 ** (bit_depth - 8)
    levels = (0, top) if full else (16, 235)
    how = conversion(1, bit_depth, is_full_range=full)
    assert how is not None
    luma, chroma = np.array([levels], np.float32), np.full((1, 1, 2), 128, np.float32)
    assert to_rgb(luma, chroma, how, 0).tolist() == [[[0] * 3, [255] * 3]]


def test_the_compiled_kernel_is_that_of_the_source() -> None:
    assert PTX.read_text().startswith(source_mark()), "run `python -m ingest.nvdec.build_kernels`"

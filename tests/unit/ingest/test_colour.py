from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from ingest.colour import RgbConverter

COLOURS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [120, 60, 200]], np.uint8
)
BT601, BT709 = "ITU601", "ITU709"
AVCOL = {BT601: 6, BT709: 1}
UNSPECIFIED = 2


def bars(width_px: int, height_px: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    columns = COLOURS[np.arange(width_px) * len(COLOURS) // width_px]
    return np.ascontiguousarray(np.broadcast_to(columns, (height_px, width_px, 3)))


def converted(picture: VideoFrame, rotation_deg: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    width_px, height_px = picture.width, picture.height
    if rotation_deg in {90, 270}:
        width_px, height_px = height_px, width_px
    rgb = np.zeros((height_px, width_px, 3), np.uint8)
    RgbConverter(width_px, height_px, rotation_deg, 1).convert_into(picture, rgb)
    return rgb


def coded(size_px: tuple[int, int], matrix: str, pixel_format: str, colour_range: str) -> VideoFrame:
    return VideoFrame.from_ndarray(bars(*size_px), "rgb24").reformat(
        format=pixel_format, dst_colorspace=matrix, dst_color_range=colour_range
    )


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "nv12"])
@pytest.mark.parametrize("colour_range", ["MPEG", "JPEG"])
@pytest.mark.parametrize("matrix", [BT601, BT709])
def test_the_matrix_and_range_of_the_picture_count(matrix: str, colour_range: str, pixel_format: str) -> None:
    picture = coded((240, 64), matrix, pixel_format, colour_range)
    picture.colorspace = AVCOL[matrix]
    np.testing.assert_allclose(centres(converted(picture)), COLOURS, atol=4)


@pytest.mark.parametrize(("height_px", "matrix"), [(576, BT601), (720, BT709)])
def test_without_a_matrix_the_height_decides(height_px: int, matrix: str) -> None:
    picture = coded((240, height_px), matrix, "yuv420p", "MPEG")
    picture.colorspace = UNSPECIFIED
    np.testing.assert_allclose(centres(converted(picture)), COLOURS, atol=4)


@pytest.mark.parametrize("size_px", [(127, 95), (1279, 719), (2, 2), (1, 1)])
def test_odd_sizes(size_px: tuple[int, int]) -> None:
    grey = np.full((size_px[1], size_px[0], 3), 90, np.uint8)
    picture = VideoFrame.from_ndarray(grey, "rgb24").reformat(format="yuv420p", dst_colorspace=BT709)
    np.testing.assert_allclose(converted(picture), grey, atol=2)


@pytest.mark.parametrize(("rotation_deg", "turns"), [(0, 0), (90, -1), (180, 2), (270, 1)])
def test_rotation_is_clockwise(rotation_deg: int, turns: int) -> None:
    image = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    picture = VideoFrame.from_ndarray(image, "rgb24")
    np.testing.assert_array_equal(converted(picture, rotation_deg), np.rot90(image, turns))


def test_a_picture_of_another_size_is_scaled() -> None:
    picture = VideoFrame.from_ndarray(np.full((30, 40, 3), 77, np.uint8), "rgb24")
    rgb = np.zeros((60, 80, 3), np.uint8)
    RgbConverter(80, 60, 0, 1).convert_into(picture, rgb)
    assert (rgb == 77).all()


def centres(rgb: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[list[int]]:
    height_px, width_px, _ = rgb.shape
    bars_wide = len(COLOURS)
    return [
        rgb[height_px // 2, (2 * bar + 1) * width_px // (2 * bars_wide)].tolist() for bar in range(bars_wide)
    ]


def test_pictures_of_a_file_state_their_matrix(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 240, 64, "yuv420p"
        stream.codec_context.colorspace = AVCOL[BT709]
        container.mux(stream.encode(coded((240, 64), BT709, "yuv420p", "MPEG")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as source:
        picture = next(source.decode(video=0))
    np.testing.assert_allclose(centres(converted(picture)), COLOURS, atol=6)

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from core.errors import ObjectStoreError
from core.video import FrameSpan
from ingest.decoder import decode_span
from ingest.encoder import VideoWriter
from ingest.probe import MediaLimits, probe_video
from tests.media import NTSC_30, number_in, numbered_picture

LIMITS = MediaLimits()


def write(path: Path, times_ns: list[int], size_px: tuple[int, int] = (128, 96)) -> None:
    with VideoWriter(path, size_px, NTSC_30) as writer:
        for index, time_ns in enumerate(times_ns):
            writer.write(numbered_picture(index, *size_px), time_ns)


def test_times_and_pictures_come_back_exactly(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    times_ns = [round(index * 10**9 / NTSC_30) for index in range(50)]
    write(path, times_ns)
    info = probe_video(path, LIMITS)
    assert info.pts_ns.tolist() == times_ns
    assert info.frame_rate == NTSC_30
    numbers = [number_in(frame.image) for frame in decode_span(path, info, FrameSpan(0, 50))]
    assert numbers == list(range(50))


def test_a_variable_rate_and_a_late_start(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    times_ns = [500_000_000 + index * 20_000_000 + index % 3 * 5_000_000 for index in range(20)]
    write(path, times_ns)
    np.testing.assert_allclose(probe_video(path, LIMITS).pts_ns, times_ns, rtol=0, atol=50_000)


def test_negative_times_move_to_zero(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [-100_000_000, 0, 100_000_000])
    np.testing.assert_allclose(probe_video(path, LIMITS).pts_ns, [0, 1e8, 2e8], rtol=0, atol=50_000)


def test_times_closer_than_a_tick_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [0, 1000, 2000, 40_000_000])
    assert probe_video(path, LIMITS).frame_count == 4


def test_browsers_can_play_it(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write(path, [index * 40_000_000 for index in range(10)])
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as source:
        context = source.streams.video[0].codec_context
        assert (context.codec.canonical_name, context.pix_fmt) == ("h264", "yuv420p")
        assert (context.colorspace, context.color_range, context.color_primaries) == (1, 1, 1)


@pytest.mark.parametrize("size_px", [(127, 95), (127, 96), (128, 95)])
def test_odd_sizes_grow_by_a_copy_of_the_edge(tmp_path: Path, size_px: tuple[int, int]) -> None:
    path = tmp_path / "a.mp4"
    write(path, [0, 40_000_000], size_px)
    info = probe_video(path, LIMITS)
    assert (info.width_px, info.height_px) == (128, 96)
    first = next(decode_span(path, info, FrameSpan(0, 1))).image
    np.testing.assert_allclose(first[-1, -1].astype(int), first[-2, -2].astype(int), atol=12)


def test_colours_survive(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    image = np.empty((96, 128, 3), np.uint8)
    image[:] = (200, 40, 90)
    with VideoWriter(path, (128, 96), Fraction(25)) as writer:
        writer.write(image, 0)
    frame = next(decode_span(path, probe_video(path, LIMITS), FrameSpan(0, 1)))
    np.testing.assert_allclose(frame.image[48, 64], image[48, 64], atol=4)


def test_a_wrong_shape_is_named(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", (128, 96), Fraction(25)) as writer:
        writer.write(np.zeros((96, 128, 3), np.uint8), 0)
        with pytest.raises(
            ValueError, match=r"expected an image of shape \(96, 128, 3\), got \(128, 96, 3\)"
        ):
            writer.write(np.zeros((128, 96, 3), np.uint8), 1)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ObjectStoreError):
        VideoWriter(tmp_path / "absent" / "a.mp4", (128, 96), Fraction(25))

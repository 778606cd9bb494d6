from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest

from core.errors import (
    CorruptVideoError,
    FrameTooLargeError,
    NoFramesError,
    NoVideoStreamError,
    UnsupportedCodecError,
    UnsupportedContainerError,
    VideoTooLongError,
)
from ingest.encoder import VideoWriter
from ingest.probe import MediaLimits, clockwise_rotation_deg, probe_video
from tests.media import (
    NTSC_30,
    QUIET_X265,
    Clip,
    numbered_picture,
    overwrite_middle,
    truncate,
    write_audio_only,
    write_clip,
    write_frameless,
    write_playlist,
)

LIMITS = MediaLimits()
CONTAINERS = (".mp4", ".mov", ".mkv", ".ts", ".avi")


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_constant_rate(tmp_path: Path, suffix: str) -> None:
    info = probe_video(write_clip(tmp_path / f"a{suffix}", Clip()), LIMITS)
    assert info.frame_count == 30
    assert (info.width_px, info.height_px, info.rotation_deg) == (128, 96, 0)
    assert (info.frame_rate, info.codec) == (NTSC_30, "h264")
    expected_ns = np.array([round(index * 10**9 / NTSC_30) for index in range(30)])
    step_ns = 10**6 if suffix == ".mkv" else 1
    np.testing.assert_allclose(info.pts_ns - info.pts_ns[0], expected_ns, rtol=0, atol=step_ns)
    assert info.keyframes[0] == 0


def test_keyframes(tmp_path: Path) -> None:
    clip = Clip(options={"g": "10", "bf": "2", "sc_threshold": "0"})
    for suffix in (".mp4", ".mkv", ".ts"):
        info = probe_video(write_clip(tmp_path / f"a{suffix}", clip), LIMITS)
        gaps = np.diff(info.keyframes)
        assert len(info.keyframes) >= 3, suffix
        assert gaps.max() <= 10, suffix


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_variable_rate_keeps_its_times(tmp_path: Path, suffix: str) -> None:
    ticks = tuple(accumulate([0, *(700 + (index * 377) % 900 for index in range(29))]))
    info = probe_video(write_clip(tmp_path / f"a{suffix}", Clip(pts=ticks)), LIMITS)
    expected_ns = np.array([float(tick * 10**9 / (NTSC_30 * 1000)) for tick in ticks])
    np.testing.assert_allclose(info.pts_ns - info.pts_ns[0], expected_ns, rtol=0, atol=1_000_001)
    assert float(info.frame_rate) == pytest.approx(29e9 / (expected_ns[-1] - expected_ns[0]), rel=0.01)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_late_start_is_kept(tmp_path: Path, suffix: str) -> None:
    clip = Clip(pts=tuple(range(5000, 35000, 1000)))
    info = probe_video(write_clip(tmp_path / f"a{suffix}", clip), LIMITS)
    assert info.pts_ns[0] == pytest.approx(5e9 / float(NTSC_30), abs=1_100_000)


def test_frames_that_the_edit_list_hides_do_not_count(tmp_path: Path) -> None:
    clip = Clip(pts=tuple(range(-5000, 25000, 1000)))
    info = probe_video(write_clip(tmp_path / "a.mp4", clip), LIMITS)
    assert info.frame_count == 25
    assert info.pts_ns[0] == 0
    assert info.keyframes[0] == 0


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_sizes_are_as_displayed(tmp_path: Path, rotation_deg: int) -> None:
    info = probe_video(write_clip(tmp_path / "a.mp4", Clip(rotation_deg=rotation_deg, frames=3)), LIMITS)
    assert info.rotation_deg == rotation_deg
    assert (info.width_px, info.height_px) == ((96, 128) if rotation_deg in {90, 270} else (128, 96))


@pytest.mark.parametrize(
    ("anticlockwise", "clockwise"), [(0, 0), (90, 270), (-90, 90), (180, 180), (-180, 180), (-88.7, 90)]
)
def test_rotations(anticlockwise: float, clockwise: int) -> None:
    assert clockwise_rotation_deg(anticlockwise) == clockwise


def test_odd_size(tmp_path: Path) -> None:
    clip = Clip(size_px=(1279, 719), codec="libvpx-vp9", frames=2, options={"cpu-used": "8"})
    info = probe_video(write_clip(tmp_path / "a.webm", clip), LIMITS)
    assert (info.width_px, info.height_px, info.container) == (1279, 719, "matroska")


def test_one_frame(tmp_path: Path) -> None:
    info = probe_video(write_clip(tmp_path / "a.mp4", Clip(frames=1)), LIMITS)
    assert info.frame_count == 1
    assert info.keyframes.tolist() == [0]
    assert info.frame_rate == NTSC_30


def test_h264_in_avi_has_one_place_to_start_from(tmp_path: Path) -> None:
    assert probe_video(write_clip(tmp_path / "a.avi", Clip()), LIMITS).keyframes.tolist() == [0]


def test_hevc(tmp_path: Path) -> None:
    clip = Clip(codec="libx265", pixel_format="yuv420p10le", options=QUIET_X265, frames=5)
    info = probe_video(write_clip(tmp_path / "a.mp4", clip), LIMITS)
    assert (info.codec, info.frame_count) == ("hevc", 5)


def test_a_file_cut_off_behind_its_index_keeps_its_promise(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, (128, 96), NTSC_30) as writer:
        for index in range(100):
            writer.write(numbered_picture(index, 128, 96), round(index * 10**9 / NTSC_30))
    whole = probe_video(path, LIMITS)
    cut = probe_video(truncate(path, 0.7), LIMITS)
    assert cut.frame_count == whole.frame_count == 100
    np.testing.assert_array_equal(cut.pts_ns, whole.pts_ns)


@pytest.mark.parametrize("suffix", [".mkv", ".ts"])
def test_a_hole_is_counted_as_frames(tmp_path: Path, suffix: str) -> None:
    clip = Clip(frames=120, options={"g": "10", "bf": "2"})
    path = overwrite_middle(write_clip(tmp_path / f"a{suffix}", clip), 0.4, 0.6)
    info = probe_video(path, LIMITS)
    assert 118 <= info.frame_count <= 120
    assert info.frame_rate == NTSC_30


def test_audio_only(tmp_path: Path) -> None:
    with pytest.raises(NoVideoStreamError, match="expected a video stream, got audio"):
        probe_video(write_audio_only(tmp_path / "a.mp4"), LIMITS)


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_no_frames(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(NoFramesError):
        probe_video(write_frameless(tmp_path / f"a{suffix}"), LIMITS)


@pytest.mark.parametrize("name", ["a.mp4", "a.m3u8", "a.ts"])
def test_a_playlist_is_not_followed(tmp_path: Path, name: str) -> None:
    secret = write_clip(tmp_path / "secret.ts", Clip(frames=3))
    with pytest.raises(UnsupportedContainerError):
        probe_video(write_playlist(tmp_path / name, secret), LIMITS)


def test_an_mp4_without_its_index(tmp_path: Path) -> None:
    with pytest.raises(CorruptVideoError, match=r"a\.mp4: expected a readable video"):
        probe_video(truncate(write_clip(tmp_path / "a.mp4", Clip()), 0.5), LIMITS)


@pytest.mark.parametrize(
    "head", [b"\x1a\x45\xdf\xa3", b"\x00\x00\x00\x18ftypmp42", b"RIFF\x00\x00\x00\x00AVI "]
)
def test_noise_behind_a_good_head(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(head + np.random.default_rng(3).bytes(20_000))
    with pytest.raises((CorruptVideoError, NoFramesError, NoVideoStreamError)):
        probe_video(path, LIMITS)


def test_codecs_outside_the_list(tmp_path: Path) -> None:
    clip = Clip(codec="cinepak", pixel_format="rgb24", options={}, frames=2)
    with pytest.raises(UnsupportedCodecError, match="got cinepak"):
        probe_video(write_clip(tmp_path / "a.avi", clip), LIMITS)


def test_limits(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(frame_rate=Fraction(10)))
    with pytest.raises(FrameTooLargeError, match="at most 10000 pixels, got 128x96"):
        probe_video(path, MediaLimits(max_frame_pixels=10_000))
    with pytest.raises(VideoTooLongError, match="at most 29 frames"):
        probe_video(path, MediaLimits(max_frames=29))
    with pytest.raises(VideoTooLongError, match="at most 2 s"):
        probe_video(path, MediaLimits(max_duration_s=2))

from itertools import accumulate
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from core.errors import CorruptVideoError, MareyError, UnsupportedCodecError
from core.video import Frame, FrameSpan
from ingest.decoder import DecoderSettings, decode_span
from ingest.probe import MediaLimits, probe_video
from ingest.runs import plan_runs
from ingest.streams import data_packets
from tests.media import QUIET_X265, Clip, number_in, overwrite_middle, write_clip
from tests.services.nvdec_clips import coloured_picture

LIMITS = MediaLimits()
TRANSPORT_PACKET_BYTES = 188
OPEN_GOP = {"g": "10", "bf": "3", "x264-params": "open-gop=1:scenecut=0"}
KINDS = {
    "mp4": (".mp4", Clip()),
    "mkv": (".mkv", Clip()),
    "ts": (".ts", Clip()),
    "avi with times in decoding order": (".avi", Clip()),
    "mp4 open gop": (".mp4", Clip(options=OPEN_GOP)),
    "ts open gop": (".ts", Clip(options=OPEN_GOP)),
    "hevc": (".mp4", Clip(codec="libx265", options={"x265-params": "log-level=none:keyint=10"})),
    "10 bit": (".mkv", Clip(pixel_format="yuv420p10le")),
    "hevc 10 bit": (".mp4", Clip(codec="libx265", pixel_format="yuv420p10le", options=QUIET_X265)),
    "variable rate": (
        ".mp4",
        Clip(pts=tuple(accumulate([0, *(700 + (index * 377) % 900 for index in range(29))]))),
    ),
    "late start": (".mkv", Clip(pts=tuple(range(5000, 35000, 1000)))),
    "odd size": (".webm", Clip(size_px=(127, 95), codec="libvpx-vp9", options={"cpu-used": "8", "g": "10"})),
    "vp8 with hidden frames": (
        ".webm",
        Clip(codec="libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16", "g": "10"}),
    ),
    "mjpeg": (".avi", Clip(codec="mjpeg", pixel_format="yuvj420p", options={})),
    "mpeg4 with b frames": (".avi", Clip(codec="mpeg4")),
    "raw": (".avi", Clip(codec="rawvideo", options={})),
    "one frame": (".mp4", Clip(frames=1)),
}


def decode_all(path: Path, threads: int = 0) -> list[Frame]:
    info = probe_video(path, LIMITS)
    return list(
        decode_span(path, info, FrameSpan(0, info.frame_count), settings=DecoderSettings(threads=threads))
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_run_gives_its_frames_as_the_whole_does(tmp_path: Path, kind: str) -> None:
    suffix, clip = KINDS[kind]
    path = write_clip(tmp_path / f"a{suffix}", clip)
    info = probe_video(path, LIMITS)
    frames = [frame for run in plan_runs(info, 4, 2) for frame in decode_span(path, info, run.span)]
    assert [frame.index for frame in frames] == list(range(clip.frames))
    assert [number_in(frame.image) for frame in frames] == list(range(clip.frames))
    assert [frame.pts_ns for frame in frames] == info.pts_ns.tolist()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (13, 14), (9, 21), (29, 30)])
def test_spans_may_start_anywhere(tmp_path: Path, suffix: str, start: int, stop: int) -> None:
    path = write_clip(tmp_path / f"a{suffix}", Clip())
    frames = list(decode_span(path, probe_video(path, LIMITS), FrameSpan(start, stop)))
    assert [number_in(frame.image) for frame in frames] == list(range(start, stop))


def test_frames_are_written_where_the_caller_wants(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(rotation_deg=90))
    info = probe_video(path, LIMITS)
    ring = np.zeros((8, 128, 96, 3), np.uint8)

    def allocate(index: int) -> NDArray[np.uint8]:
        return ring[index % 8]

    frames = list(decode_span(path, info, FrameSpan(5, 13), allocate))
    assert all(np.shares_memory(frame.image, ring[frame.index % 8]) for frame in frames)
    turned = [number_in(np.rot90(ring[index % 8], 1)) for index in range(5, 13)]
    assert turned == list(range(5, 13))


@pytest.mark.parametrize(("rotation_deg", "turns"), [(90, 1), (180, 2), (270, 3)])
def test_rotation_by_metadata(tmp_path: Path, rotation_deg: int, turns: int) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(rotation_deg=rotation_deg))
    turned = [number_in(np.rot90(frame.image, turns)) for frame in decode_all(path)]
    assert turned == list(range(Clip().frames))


def test_the_first_shown_frame_may_hang_on_a_hidden_keyframe(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(pts=tuple(range(-5000, 25000, 1000))))
    assert [number_in(frame.image) for frame in decode_all(path)] == list(range(5, 30))


@pytest.mark.parametrize("threads", [0, 1])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_damage_in_the_middle_leaves_a_gap_and_no_wrong_picture(
    tmp_path: Path, suffix: str, threads: int
) -> None:
    clip = Clip(frames=120, options={"g": "10", "bf": "2", "sc_threshold": "0"})
    path = overwrite_middle(write_clip(tmp_path / f"a{suffix}", clip), 0.45, 0.5)
    frames = decode_all(path, threads)
    assert 60 <= len(frames) < 120
    assert [number_in(frame.image) for frame in frames] == [frame.index for frame in frames]
    assert frames[0].index == 0
    assert frames[-1].index == 119


def test_what_damage_leaves_does_not_depend_on_the_threads(tmp_path: Path) -> None:
    path = overwrite_middle(write_clip(tmp_path / "a.ts", Clip(frames=120)), 0.4, 0.5)
    indices = [[frame.index for frame in decode_all(path, threads)] for threads in (1, 2, 4)]
    assert indices[0] == indices[1] == indices[2]


def index_first(path: Path) -> Path:
    """The same mp4 file with its index before the pictures, so that what is cut off can be read."""
    written = path.with_stem("index_first")
    with (
        av.open(str(path)) as source,
        av.open(str(written), "w", options={"movflags": "faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in data_packets(source, source.streams.video[0]):
            packet.stream = stream
            target.mux(packet)
    return written


@pytest.mark.parametrize("suffix", [".ts", ".mp4"])
def test_what_a_cut_leaves_does_not_depend_on_the_threads(tmp_path: Path, suffix: str) -> None:
    whole = write_clip(tmp_path / f"whole{suffix}", Clip(size_px=(320, 240), picture=coloured_picture))
    data = (index_first(whole) if suffix == ".mp4" else whole).read_bytes()
    path, cuts_in_pictures = tmp_path / f"cut{suffix}", 0
    for stop in range(len(data) // 2, len(data) * 3 // 4, TRANSPORT_PACKET_BYTES):
        path.write_bytes(data[:stop])
        expected = [frame.index for frame in decode_all(path, threads=1)]
        assert [frame.index for frame in decode_all(path, threads=16)] == expected
        cuts_in_pictures += len(expected) < probe_video(path, LIMITS).frame_count
    assert cuts_in_pictures > 10


def joined(tmp_path: Path, second_size_px: tuple[int, int]) -> Path:
    """A transport stream of ten frames, followed by ten of another size."""
    first = write_clip(tmp_path / "1.ts", Clip(frames=10))
    later = Clip(frames=10, size_px=second_size_px, pts=tuple(range(10_000, 20_000, 1000)))
    second = write_clip(tmp_path / "2.ts", later)
    path = tmp_path / "joined.ts"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    return path


def test_pictures_that_change_size_are_brought_to_the_first_ones(tmp_path: Path) -> None:
    frames = decode_all(joined(tmp_path, (192, 144)))
    assert {frame.image.shape for frame in frames} == {(96, 128, 3)}
    numbers = [number_in(frame.image) for frame in frames]
    assert numbers[:10] == list(range(10))
    assert set(numbers[10:]) <= set(range(10))


def test_pictures_that_grow_beyond_measure_are_damage(tmp_path: Path) -> None:
    numbers = [number_in(frame.image) for frame in decode_all(joined(tmp_path, (1920, 1440)))]
    assert 6 <= len(numbers) <= 10
    assert numbers == list(range(len(numbers)))


def test_a_span_without_a_readable_frame(tmp_path: Path) -> None:
    clip = Clip(frames=40, codec="libx265", options={"x265-params": "log-level=none:keyint=1"})
    path = write_clip(tmp_path / "a.mp4", clip)
    info = probe_video(path, LIMITS)
    overwrite_middle(path, 0.02, 0.9)
    spoilt = path.read_bytes()
    assert spoilt != b""
    with pytest.raises(MareyError) as caught:
        list(decode_span(path, info, FrameSpan(0, 10)))
    assert isinstance(caught.value, CorruptVideoError)


def test_a_closed_iterator_lets_go_of_the_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip())
    frames = decode_span(path, probe_video(path, LIMITS), FrameSpan(0, 30))
    assert next(frames).index == 0
    frames.close()
    descriptors = Path("/proc/self/fd").iterdir()
    assert str(path) not in {str(item.resolve()) for item in descriptors if item.is_symlink()}


def test_a_header_that_was_destroyed_after_probing_is_a_media_error(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", Clip())
    info = probe_video(path, LIMITS)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(UnsupportedCodecError, match="expected a h264 stream"):
        list(decode_span(path, info, FrameSpan(0, 5)))

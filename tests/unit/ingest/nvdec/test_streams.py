"""What is for NVDEC and what is not, and packets as it takes them."""

from dataclasses import replace
from pathlib import Path

import pytest
from av.packet import Packet
from av.video.stream import VideoStream

from ingest.containers import Container, container_of, open_input
from ingest.nvdec.cuvid import DecodeCaps, NvdecError
from ingest.nvdec.streams import StreamNeed, need_of, nvdec_packets, parameter_sets, refusal, whole_packets
from ingest.probe import MediaLimits, probe_video
from ingest.streams import data_packets, video_stream
from tests.media import QUIET_X265, Clip, write_clip

HEVC = Clip(size_px=(160, 96), codec="libx265", options={"g": "10", **QUIET_X265})
START_CODE = b"\0\0\1"


def need_in(path: Path) -> StreamNeed:
    """What the video of a file needs."""
    info = probe_video(path, MediaLimits())
    with open_input(path, Container(info.container)) as source:
        return need_of(video_stream(source, path.name), info)


@pytest.mark.parametrize(
    ("clip", "suffix", "expected"),
    [
        (Clip(size_px=(160, 96)), ".mp4", (4, 8, (160, 96))),
        (Clip(size_px=(160, 96), rotation_deg=90), ".mp4", (4, 8, (160, 96))),
        (HEVC, ".mkv", (8, 8, (160, 96))),
        (replace(HEVC, pixel_format="yuv420p10le"), ".mp4", (8, 10, (160, 96))),
    ],
)
def test_codec_depth_and_size_as_coded(
    clip: Clip, suffix: str, expected: tuple[int, int, tuple[int, int]], tmp_path: Path
) -> None:
    need = need_in(write_clip(tmp_path / f"clip{suffix}", clip))
    assert (need.codec, need.bit_depth, need.coded_px) == expected


@pytest.mark.parametrize(
    ("clip", "suffix", "reason"),
    [
        (Clip(codec="mpeg4", options={}, frame_rate=Clip().frame_rate.limit_denominator(1)), ".avi", "codec"),
        (Clip(), ".avi", "no presentation times"),
        (Clip(pixel_format="yuv444p"), ".mp4", "pixel format is yuv444p"),
        (Clip(options={"x264-params": "log=-1:colormatrix=YCgCo"}), ".mp4", "colour matrix is 8"),
    ],
)
def test_what_is_not_for_nvdec(clip: Clip, suffix: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(NvdecError, match=reason):
        need_in(write_clip(tmp_path / f"clip{suffix}", clip))


CAPS = DecodeCaps(
    is_supported=1,
    min_width_px=48,
    min_height_px=16,
    max_width_px=4096,
    max_height_px=4096,
    max_macroblocks=8160,
)


@pytest.mark.parametrize(
    ("size_px", "caps", "reason"),
    [
        ((1920, 1080), CAPS, None),
        ((1920, 1080), DecodeCaps(), "does not decode its codec at 8 bits"),
        ((5000, 1080), CAPS, "48x16 to 4096x4096, it has 5000x1080"),
        ((1920, 8), CAPS, "48x16 to 4096x4096, it has 1920x8"),
        ((2048, 1080), CAPS, "at most 8160 macroblocks, it has 2048x1080"),
    ],
)
def test_what_the_chip_refuses(
    size_px: tuple[int, int], caps: DecodeCaps, reason: str | None, tmp_path: Path
) -> None:
    need = replace(need_in(write_clip(tmp_path / "clip.mp4", Clip())), coded_px=size_px)
    found = refusal(need, caps)
    assert found is None if reason is None else found is not None and reason in found


@pytest.mark.parametrize("clip", [Clip(), HEVC], ids=["h264", "hevc"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_packets_get_start_codes_and_keep_their_times(clip: Clip, suffix: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", clip)
    info = probe_video(path, MediaLimits())
    with open_input(path, Container(info.container)) as source:
        stream = video_stream(source, path.name)
        packets = list(nvdec_packets(stream, info.codec, data_packets(source, stream)))
        sets = parameter_sets(info.codec, stream.codec_context.extradata or b"")
    assert all(bytes(packet).startswith((START_CODE, b"\0" + START_CODE)) for packet in packets)
    assert len({packet.pts for packet in packets}) == info.frame_count
    assert sets.count(START_CODE) >= 2
    assert all(unit.rstrip(b"\0") in bytes(packets[0]) for unit in sets.split(START_CODE))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_gpu_gets_all_packets_but_the_last_of_a_transport_stream(suffix: str, tmp_path: Path) -> None:
    path = write_clip(tmp_path / f"clip{suffix}", Clip())
    container = container_of(path)
    with open_input(path, container) as source:
        given = list(data_packets(source, video_stream(source, path.name)))
    got: list[Packet[VideoStream]] = []
    whole = whole_packets(container, iter(given))
    if container is not Container.MPEGTS:
        assert list(whole) == given
        return
    with pytest.raises(NvdecError, match="may be cut off"):
        got.extend(whole)
    assert got == given[:-1]


def test_other_codecs_have_no_parameter_sets() -> None:
    assert parameter_sets("vp9", b"anything") == b""
    assert parameter_sets("h264", b"") == b""


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_cut_off_extra_data(codec: str) -> None:
    with pytest.raises(NvdecError, match="cut off"):
        parameter_sets(codec, b"\1" * 24)

"""One package of everything that can be wrong: each file gets its stable code, the good ones go on."""

import stat
import zipfile
from pathlib import Path

import pytest

from core.errors import MareyError
from core.video import FrameSpan
from ingest.archive import ArchiveLimits, Extraction, extract_archive
from ingest.decoder import decode_span
from ingest.probe import MediaLimits, probe_video
from tests.media import (
    QUIET_X265,
    Clip,
    overwrite_middle,
    truncate,
    write_audio_only,
    write_clip,
    write_frameless,
    write_playlist,
)

OK = "ok"
REGULAR = {"g": "10", "bf": "2", "sc_threshold": "0"}
EXPECTED = {
    "good.mp4": OK,
    "one frame.mp4": OK,
    "odd size.webm": OK,
    "portrait.mp4": OK,
    "variable rate.mkv": OK,
    "ten bit.mp4": OK,
    "corrupt in the middle.mp4": OK,
    "cut off.mkv": OK,
    "cut off.mp4": "corrupt_video",
    "playlist.mp4": "unsupported_container",
    "text.mp4": "unsupported_container",
    "empty.mp4": "unsupported_container",
    "flash.flv": "unsupported_container",
    "audio only.mp4": "no_video_stream",
    "no frames.avi": "no_frames",
    "strange codec.avi": "unsupported_codec",
}
EXPECTED_REFUSALS = {
    "../escape.mp4": "unsafe_name",
    "link.mp4": "symlink",
    "GOOD.mp4": "duplicate_name",
    "nested.zip": "nested_archive",
}


def write_videos(folder: Path) -> None:
    good = write_clip(folder / "good.mp4", Clip())
    write_clip(folder / "one frame.mp4", Clip(frames=1))
    write_clip(
        folder / "odd size.webm",
        Clip(size_px=(1279, 719), codec="libvpx-vp9", frames=2, options={"cpu-used": "8"}),
    )
    write_clip(folder / "portrait.mp4", Clip(rotation_deg=90))
    write_clip(folder / "variable rate.mkv", Clip(frames=4, pts=(0, 700, 2500, 3000)))
    write_clip(
        folder / "ten bit.mp4",
        Clip(codec="libx265", pixel_format="yuv420p10le", options=QUIET_X265, frames=3),
    )
    overwrite_middle(
        write_clip(folder / "corrupt in the middle.mp4", Clip(frames=120, options=REGULAR)), 0.45, 0.5
    )
    truncate(write_clip(folder / "cut off.mkv", Clip(frames=60)), 0.6)
    truncate(write_clip(folder / "cut off.mp4", Clip()), 0.6)
    write_playlist(folder / "playlist.mp4", good)
    (folder / "text.mp4").write_text("not a video")
    (folder / "empty.mp4").write_bytes(b"")
    write_clip(folder / "flash.flv", Clip(codec="flv1", options={}, frames=3, frame_rate=Clip().frame_rate))
    write_audio_only(folder / "audio only.mp4")
    write_frameless(folder / "no frames.avi")
    write_clip(
        folder / "strange codec.avi", Clip(codec="cinepak", pixel_format="rgb24", options={}, frames=2)
    )


@pytest.fixture(scope="module")
def extraction(tmp_path_factory: pytest.TempPathFactory) -> Extraction:
    videos, into = tmp_path_factory.mktemp("videos"), tmp_path_factory.mktemp("into")
    write_videos(videos)
    path = into.parent / "package.zip"
    link = zipfile.ZipInfo("link.mp4")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as package:
        for name in EXPECTED:
            package.write(videos / name, name)
        package.writestr("../escape.mp4", b"x")
        package.writestr(link, "/etc/passwd")
        package.writestr("GOOD.mp4", b"x")
        package.writestr("nested.zip", b"PK\x03\x04")
        package.writestr("notes.txt", b"athlete 7")
    return extract_archive(path, into, ArchiveLimits())


def outcome(path: Path) -> str:
    try:
        info = probe_video(path, MediaLimits())
        frames = list(decode_span(path, info, FrameSpan(0, info.frame_count)))
    except MareyError as error:
        return error.code
    assert frames[0].image.shape == (info.height_px, info.width_px, 3)
    return OK


def test_refused_entries(extraction: Extraction) -> None:
    assert {entry.name: entry.error.code for entry in extraction.refused} == EXPECTED_REFUSALS


def test_everything_else_is_there(extraction: Extraction) -> None:
    assert [video.name for video in extraction.videos] == list(EXPECTED)
    assert [item.name for item in extraction.metadata] == ["notes.txt"]


@pytest.mark.parametrize("name", EXPECTED)
def test_each_video_has_its_outcome(extraction: Extraction, name: str) -> None:
    path = next(video.path for video in extraction.videos if video.name == name)
    assert outcome(path) == EXPECTED[name]

from pathlib import Path

import pytest

from core.errors import ObjectStoreError, UnsupportedContainerError
from ingest.containers import SNIFF_BYTES, Container, container_of, sniff
from tests.media import Clip, write_clip


@pytest.mark.parametrize(
    ("suffix", "expected"),
    [(".mp4", Container.MOV), (".mov", Container.MOV), (".mkv", Container.MATROSKA), (".avi", Container.AVI),
     (".ts", Container.MPEGTS)],
)  # fmt: skip
def test_content_decides_not_the_name(tmp_path: Path, suffix: str, expected: Container) -> None:
    clip = write_clip(tmp_path / f"clip{suffix}", Clip(frames=5))
    assert container_of(clip.rename(tmp_path / "clip.txt")) is expected


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"#EXTM3U\n#EXTINF:1,\nhttp://example.com/a.ts",
        b"ffconcat version 1.0\nfile /etc/passwd",
        b"<?xml version='1.0'?><MPD>",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"\x00\x00\x00\x18ftypheic",
        b"G" + bytes(SNIFF_BYTES - 1),
        b"G#EXTM3U",
    ],
)
def test_everything_else_is_refused(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(head)
    with pytest.raises(UnsupportedContainerError, match="expected mov/mp4, matroska/webm, avi or mpegts"):
        container_of(path)


def test_transport_streams_with_time_codes() -> None:
    packet = b"\x00\x00\x00\x00G" + bytes(187)
    assert sniff(packet * 5) is Container.MPEGTS


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ObjectStoreError, match=r"absent\.mp4: expected a file to read"):
        container_of(tmp_path / "absent.mp4")


@pytest.mark.parametrize("container", Container)
def test_suffixes_are_known(container: Container) -> None:
    assert container.suffix.startswith(".")

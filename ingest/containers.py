"""Which container a file really is, and opening it without following what it points to.

The demuxer is chosen by our own reading of the first bytes, so playlists and reference files never
meet theirs; FFmpeg's white lists of formats and protocols stand behind that as a second wall.
"""

from enum import StrEnum
from pathlib import Path

import av
from av.container import InputContainer

from core.errors import ObjectStoreError, UnsupportedContainerError

SNIFF_BYTES = 1024
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf",
    ".ogv", ".ts", ".webm", ".wmv",
})  # fmt: skip
"""Names that claim to be a video, supported or not."""

CODECS = frozenset({
    "av1", "dnxhd", "dvvideo", "ffv1", "ffvhuff", "h263", "h264", "hevc", "huffyuv", "mjpeg", "mpeg1video",
    "mpeg2video", "mpeg4", "msmpeg4v2", "msmpeg4v3", "prores", "rawvideo", "utvideo", "vc1", "vp8", "vp9",
    "wmv3",
})  # fmt: skip
"""Codecs that files may use: those of cameras, phones and editors, not all that FFmpeg knows."""

_DECODERS = ",".join(sorted(CODECS | {"libdav1d", "libvpx", "libvpx-vp9"}))
_TOP_LEVEL_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"})
_PICTURE_BRANDS = frozenset({b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"crx "})
_TS_PACKET_LAYOUTS = ((188, 0), (192, 4), (204, 0))
"""(packet length, offset of the sync byte): plain, with time codes (M2TS), with error correction."""
_TS_SYNC = 0x47
_TS_PACKETS_TO_CHECK = 4


class Container(StrEnum):
    """A supported container, by the name of FFmpeg's demuxer."""

    MOV = "mov"
    MATROSKA = "matroska"
    AVI = "avi"
    MPEGTS = "mpegts"

    @property
    def suffix(self) -> str:
        """The usual file name suffix."""
        return {"mov": ".mp4", "matroska": ".mkv", "avi": ".avi", "mpegts": ".ts"}[self.value]


def sniff(head: bytes) -> Container | None:
    """The container that a file's first `SNIFF_BYTES` bytes show; None if it is none of ours."""
    if head[4:8] in _TOP_LEVEL_BOXES:
        return None if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS else Container.MOV
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Container.MATROSKA
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return Container.AVI
    return Container.MPEGTS if _is_transport_stream(head) else None


def _is_transport_stream(head: bytes) -> bool:
    for length, offset in _TS_PACKET_LAYOUTS:
        syncs = head[offset : offset + length * _TS_PACKETS_TO_CHECK : length]
        if len(syncs) == _TS_PACKETS_TO_CHECK and set(syncs) == {_TS_SYNC}:
            return True
    return False


def container_of(path: Path) -> Container:
    """The container of a file, by its content. Raises UnsupportedContainerError and ObjectStoreError."""
    try:
        with path.open("rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError as error:
        raise ObjectStoreError(f"{path.name}: expected a file to read, got: {error}") from error
    container = sniff(head)
    if container is None:
        raise UnsupportedContainerError(
            f"{path.name}: expected mov/mp4, matroska/webm, avi or mpegts, got a file that starts with "
            f"{head[:16]!r}"
        )
    return container


def open_input(path: Path, container: Container) -> InputContainer:
    """Open a video file with exactly this demuxer. Raises FFmpeg's errors: see `ingest.errors`."""
    return av.open(
        f"file:{path.resolve()}",
        format=container.value,
        container_options={
            "format_whitelist": container.value,
            "protocol_whitelist": "file",
            "codec_whitelist": _DECODERS,
        },
        metadata_errors="replace",
    )

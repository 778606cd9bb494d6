import io
import stat
import zipfile
from pathlib import Path

import pytest

from core.errors import (
    ArchiveTooLargeError,
    CorruptEntryError,
    DuplicateNameError,
    EmptyArchiveError,
    EncryptedEntryError,
    MareyError,
    NestedArchiveError,
    NotAZipError,
    NoVideoError,
    ObjectStoreError,
    SuspiciousRatioError,
    SymlinkError,
    TooManyEntriesError,
    UnsafeNameError,
)
from ingest.archive import ArchiveLimits, Extraction, extract_archive
from tests.media import Clip, write_clip

LIMITS = ArchiveLimits()
FAKE_VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 8


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def write_zip(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as package:
        for name, data in entries.items():
            package.writestr(zipfile.ZipInfo(name), data, compression)
    return path


def patch(path: Path, old: bytes, new: bytes, expected: int) -> Path:
    data = path.read_bytes()
    assert data.count(old) == expected
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


def refusals(extraction: Extraction) -> dict[str, type[MareyError]]:
    return {entry.name: type(entry.error) for entry in extraction.refused}


def test_videos_and_metadata_are_told_apart_by_content(tmp_path: Path, into: Path) -> None:
    clip = write_clip(tmp_path / "clip.mkv", Clip(frames=3)).read_bytes()
    package = write_zip(
        tmp_path / "a.zip",
        {"day 1/run.mp4": clip, "day 1/unnamed": FAKE_VIDEO, "lying.mp4": b"#EXTM3U", "notes.csv": b"a,b"},
    )
    extraction = extract_archive(package, into, LIMITS)
    assert [video.name for video in extraction.videos] == ["day 1/run.mp4", "day 1/unnamed", "lying.mp4"]
    assert [video.path.name for video in extraction.videos] == ["0000.mkv", "0001.mp4", "0002.bin"]
    assert extraction.videos[0].path.read_bytes() == clip
    assert extraction.videos[0].size_bytes == len(clip)
    assert [(item.name, item.path.read_bytes()) for item in extraction.metadata] == [("notes.csv", b"a,b")]
    assert not extraction.refused


@pytest.mark.parametrize(
    "compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_compression_methods(tmp_path: Path, into: Path, compression: int) -> None:
    package = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO}, compression)
    assert extract_archive(package, into, LIMITS).videos[0].path.read_bytes() == FAKE_VIDEO


@pytest.mark.parametrize("content", [b"", b"not a zip at all", FAKE_VIDEO, b"PK\x03\x04 and then nothing"])
def test_not_a_zip(tmp_path: Path, into: Path, content: bytes) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    with pytest.raises(NotAZipError, match="expected a zip file"):
        extract_archive(path, into, LIMITS)


def test_truncated_zip(tmp_path: Path, into: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(NotAZipError):
        extract_archive(path, into, LIMITS)


def test_absent_zip(tmp_path: Path, into: Path) -> None:
    with pytest.raises(ObjectStoreError):
        extract_archive(tmp_path / "absent.zip", into, LIMITS)


@pytest.mark.parametrize(
    "entries", [{}, {"folder/": b""}, {"__MACOSX/._a.mp4": b"x", ".DS_Store": b"x", "a/Thumbs.db": b"x"}]
)
def test_empty(tmp_path: Path, into: Path, entries: dict[str, bytes]) -> None:
    with pytest.raises(EmptyArchiveError):
        extract_archive(write_zip(tmp_path / "a.zip", entries), into, LIMITS)


def test_no_video_names_what_was_refused_and_leaves_nothing(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {"notes.txt": b"hello", "../a.mp4": FAKE_VIDEO})
    with pytest.raises(NoVideoError, match=r"1 other files and 1 refused ones: \.\./a\.mp4 \(unsafe_name\)"):
        extract_archive(package, into, LIMITS)
    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    ["../a.mp4", "a/../../b.mp4", "/etc/passwd.mp4", "C:\\a.mp4", "c:a.mp4", "..\\..\\a.mp4", "\\a.mp4"],
)
def test_unsafe_names_are_refused_alone(tmp_path: Path, into: Path, name: str) -> None:
    package = write_zip(tmp_path / "a.zip", {name: FAKE_VIDEO, "good.mp4": FAKE_VIDEO})
    extraction = extract_archive(package, into, LIMITS)
    assert refusals(extraction) == {name: UnsafeNameError}
    assert [video.name for video in extraction.videos] == ["good.mp4"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "into"}
    assert [path.name for path in into.iterdir()] == ["0000.mp4"]


def test_nul_in_a_name(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {"aXb.mp4": FAKE_VIDEO, "good.mp4": FAKE_VIDEO})
    extraction = extract_archive(patch(package, b"aXb.mp4", b"a\x00b.mp4", 2), into, LIMITS)
    assert refusals(extraction) == {"a\\x00b.mp4": UnsafeNameError}


def test_backslashes_separate_folders(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {"day\\a.mp4": FAKE_VIDEO})
    assert extract_archive(package, into, LIMITS).videos[0].name == "day/a.mp4"


def test_links_and_special_files(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as package:
        for name, kind in (
            ("link.mp4", stat.S_IFLNK),
            ("pipe.mp4", stat.S_IFIFO),
            ("good.mp4", stat.S_IFREG),
        ):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (kind | 0o644) << 16
            package.writestr(entry, b"/etc/passwd" if kind == stat.S_IFLNK else FAKE_VIDEO)
    extraction = extract_archive(path, into, LIMITS)
    assert refusals(extraction) == {"link.mp4": SymlinkError, "pipe.mp4": SymlinkError}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicates_also_by_case_and_unicode_form(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "a.zip"
    names = ["a.mp4", "a.mp4", "A.MP4", "./a.mp4", "\u00e9.mp4", "e\u0301.mp4"]
    with zipfile.ZipFile(path, "w") as package:
        for number, name in enumerate(names):
            package.writestr(name, FAKE_VIDEO + bytes([number]))
    extraction = extract_archive(path, into, LIMITS)
    assert [video.name for video in extraction.videos] == ["a.mp4", "\u00e9.mp4"]
    assert extraction.videos[0].path.read_bytes().endswith(b"\x00")
    assert [type(entry.error) for entry in extraction.refused] == [DuplicateNameError] * 4


def test_encrypted_entry(tmp_path: Path, into: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO, "good.mp4": FAKE_VIDEO})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    extraction = extract_archive(path, into, LIMITS)
    assert refusals(extraction) == {"a.mp4": EncryptedEntryError}
    assert len(extraction.videos) == 1


def _zip_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("inner.mp4", FAKE_VIDEO)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_zip_bytes(), id="zip"),
        pytest.param(b"\x1f\x8b\x08" + bytes(50), id="gzip"),
        pytest.param(b"7z\xbc\xaf\x27\x1c" + bytes(50), id="7z"),
        pytest.param(bytes(257) + b"ustar" + bytes(300), id="tar"),
    ],
)
def test_nested_archives(tmp_path: Path, into: Path, content: bytes) -> None:
    package = write_zip(tmp_path / "a.zip", {"inner.mp4": content, "good.mp4": FAKE_VIDEO})
    assert refusals(extract_archive(package, into, LIMITS)) == {"inner.mp4": NestedArchiveError}


def test_damaged_entry_leaves_no_file(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO, "good.mp4": FAKE_VIDEO}, zipfile.ZIP_STORED)
    data = bytearray(package.read_bytes())
    data[data.index(b"ftypmp42") + 1500] ^= 0xFF
    package.write_bytes(data)
    extraction = extract_archive(package, into, LIMITS)
    assert refusals(extraction) == {"a.mp4": CorruptEntryError}
    assert [path.name for path in into.iterdir()] == [extraction.videos[0].path.name]


def test_unknown_compression_method(tmp_path: Path, into: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO, "good.mp4": FAKE_VIDEO})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x03\x04") + 8] = 97
    data[data.index(b"PK\x01\x02") + 10] = 97
    path.write_bytes(data)
    assert refusals(extract_archive(path, into, LIMITS)) == {"a.mp4": CorruptEntryError}


def test_too_many_entries(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {f"{number}.mp4": FAKE_VIDEO for number in range(4)})
    with pytest.raises(TooManyEntriesError, match="at most 3 entries, got 4"):
        extract_archive(package, into, ArchiveLimits(max_entries=3))


def test_a_huge_directory_is_refused_before_it_is_read(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {f"{'n' * 900}{number}": b"" for number in range(3)})
    with pytest.raises(TooManyEntriesError, match="a directory of"):
        extract_archive(package, into, ArchiveLimits(max_entries=2))


@pytest.mark.parametrize("limits", [ArchiveLimits(max_total_bytes=3000), ArchiveLimits(max_entry_bytes=2000)])
def test_size_caps_count_what_comes_out(tmp_path: Path, into: Path, limits: ArchiveLimits) -> None:
    package = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO, "b.mp4": FAKE_VIDEO})
    with pytest.raises(ArchiveTooLargeError):
        extract_archive(package, into, limits)
    assert list(into.iterdir()) == []


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, into: Path) -> None:
    package = write_zip(tmp_path / "a.zip", {"good.mp4": FAKE_VIDEO, "a.mp4": FAKE_VIDEO + bytes(30 << 20)})
    with pytest.raises(SuspiciousRatioError):
        extract_archive(package, into, LIMITS)
    assert list(into.iterdir()) == []


def test_a_lying_size_does_not_pass_the_caps(tmp_path: Path, into: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.mp4": FAKE_VIDEO + bytes(30 << 20)})
    real = (len(FAKE_VIDEO) + (30 << 20)).to_bytes(4, "little")
    patch(path, real, (100).to_bytes(4, "little"), 2)
    with pytest.raises(NoVideoError, match="corrupt_entry"):
        extract_archive(path, into, LIMITS)
    assert list(into.iterdir()) == []


def test_directory_entries_that_share_data_are_unpacked_once(tmp_path: Path, into: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("a.mp4", FAKE_VIDEO)
        package.filelist.extend([package.filelist[0]] * 300)
    extraction = extract_archive(path, into, LIMITS)
    assert len(list(into.iterdir())) == len(extraction.videos) == 1
    assert {type(refused.error) for refused in extraction.refused} == {DuplicateNameError}

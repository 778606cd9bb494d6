"""Videos become one zip."""

import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marey.errors import PackingError
from marey.packing import packed, unique_names


def test_videos_are_stored_under_unique_names(tmp_path: Path) -> None:
    paths = []
    for number, name in enumerate(["a/run.mp4", "b/run.mp4", "b/RUN.mp4", "b/jump.mov"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([number]) * 5000)
        paths.append(path)
    with packed(paths) as package, zipfile.ZipFile(package) as archive:
        assert archive.namelist() == ["run.mp4", "run-2.mp4", "RUN-3.mp4", "jump.mov"]
        assert [archive.read(name)[0] for name in archive.namelist()] == [0, 1, 2, 3]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
    assert not package.exists()


def test_files_older_than_zip_are_packed(tmp_path: Path) -> None:
    video = tmp_path / "old.mp4"
    video.write_bytes(b"x")
    os.utime(video, (0, 0))
    with packed([video]) as package:
        assert zipfile.is_zipfile(package)


def test_one_zip_is_left_alone(tmp_path: Path) -> None:
    package = tmp_path / "mine.ZIP"
    package.write_bytes(b"whatever")
    with packed([package]) as used:
        assert used == package
    assert package.exists()


def test_what_cannot_be_packed_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.zip").write_bytes(b"")
    (tmp_path / "a.mp4").write_bytes(b"")
    for names, sentence in (
        ([], "at least one video"),
        (["missing.mp4"], r"missing\.mp4', which does not exist"),
        (["folder"], "folder', which is not a file"),
        (["a.mp4", "a.zip"], "one zip alone, got 'a.zip' among 2"),
    ):
        with pytest.raises(PackingError, match=sentence), packed([tmp_path / name for name in names]):
            pass


@given(st.lists(st.sampled_from(["a.mp4", "A.mp4", "a-2.mp4", "a", "b.mov", ".x"]), max_size=12))
def test_unique_names_are_unique_and_keep_suffixes(names: list[str]) -> None:
    unique = unique_names(names)
    assert len({name.lower() for name in unique}) == len(names)
    assert [Path(name).suffix for name in unique] == [Path(name).suffix for name in names]
    assert unique_names(unique) == unique

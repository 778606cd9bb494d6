from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnsafeNameError
from ingest.archive_names import is_ignored, is_nested_archive, safe_name

tricky_names = st.lists(
    st.sampled_from(["..", ".", "", "a", "b.mp4", "C:", "\\", "/", "\x00", " ", "...", "é"]), max_size=6
).flatmap(lambda parts: st.sampled_from(["/", "\\"]).map(lambda separator: separator.join(parts)))


@given(tricky_names | st.text(max_size=40))
def test_accepted_names_stay_inside(raw: str) -> None:
    try:
        name = safe_name(raw)
    except UnsafeNameError:
        return
    path = PurePosixPath("/root/of/all", name)
    assert path.is_relative_to("/root/of/all")
    assert ".." not in path.parts
    assert "\\" not in name
    assert "\x00" not in name


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8), min_size=1, max_size=4)
)
def test_ordinary_names_are_kept(parts: list[str]) -> None:
    assert safe_name("/".join(parts)) == "/".join(parts)


@pytest.mark.parametrize("name", ["a/", "a\\", "__MACOSX/a.mp4", "x/__MACOSX/._a", ".DS_Store", "a/._b.mp4"])
def test_noise_is_ignored(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize("name", ["a.mp4", "a/b.mp4", "MACOSX/a.mp4", "..mp4"])
def test_files_are_not_noise(name: str) -> None:
    assert not is_ignored(name)


def test_video_heads_are_no_archives() -> None:
    assert not is_nested_archive(b"\x00\x00\x00\x18ftypmp42")
    assert not is_nested_archive(b"")

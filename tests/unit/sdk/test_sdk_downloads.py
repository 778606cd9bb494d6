"""Where results go on this machine."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from marey.downloads import local_paths, safe_name
from marey.objects.results import ResultFile

OUT = Path("out")


def file(path: str, video_id: int | None = None, video_name: str | None = None) -> ResultFile:
    return ResultFile(path=path, size_bytes=1, url="", video_id=video_id, video_name=video_name)


def test_a_folder_per_video() -> None:
    files = [
        file("videos/1/keypoints.csv", 1, "run.mp4"),
        file("videos/1/overlay.mp4", 1, "run.mp4"),
        file("videos/2/overlay.mp4", 2, "run.mov"),
        file("videos/3/overlay.mp4", 3, "day 1/jump.mp4"),
        file("summary.json"),
    ]
    assert [path.as_posix() for path in local_paths(files, OUT)] == [
        "out/run/keypoints.csv",
        "out/run/overlay.mp4",
        "out/run-2/overlay.mp4",
        "out/jump/overlay.mp4",
        "out/summary.json",
    ]


@given(st.text(), st.text())
def test_nothing_leaves_the_folder(path: str, video_name: str) -> None:
    (target,) = local_paths([file(path, 1, video_name)], OUT)
    assert target.parts[0] == "out"
    assert len(target.parts) == 3
    assert ".." not in target.parts


@given(st.text())
def test_safe_names_are_one_component(name: str) -> None:
    safe = safe_name(name)
    assert len(Path(safe).parts) == 1
    assert safe not in {".", ".."}
    assert safe_name(safe) == safe

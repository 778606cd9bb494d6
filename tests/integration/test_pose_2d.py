"""Packages through the whole service: real stack, real ensemble, results as a user gets them."""

import csv
import tempfile
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import marey
import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from core.skeletons import HALPE_26
from deploy.embedded.options import StackOptions
from deploy.embedded.stack import running_stack
from tests.media import (
    Clip,
    overwrite_middle,
    truncate,
    write_audio_only,
    write_clip,
    write_playlist,
)

pytestmark = pytest.mark.timeout(300)

SQUAT = Path(__file__).parents[2] / "examples" / "clips" / "squat.mp4"
DEADLINE_S = 240.0
VFR_PTS = (0, 700, 2500, 3000)


@pytest.fixture(scope="module")
def client() -> Iterator[marey.Client]:
    """A client of a stack of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="marey-test-") as home,
        running_stack(StackOptions(home=Path(home))) as stack,
        marey.Client(stack.api_url, stack.api_key) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One zip of good, odd and bad videos."""
    folder = tmp_path_factory.mktemp("videos")
    write_clip(folder / "portrait.mp4", Clip(rotation_deg=90, frames=12))
    write_clip(folder / "variable rate.mkv", Clip(frames=4, pts=VFR_PTS))
    write_clip(
        folder / "odd.mkv", Clip(size_px=(127, 95), codec="mjpeg", pixel_format="yuvj444p", options={})
    )
    write_clip(folder / "one frame.mp4", Clip(frames=1))
    regular = {"g": "10", "bf": "2", "sc_threshold": "0"}
    overwrite_middle(write_clip(folder / "damaged.mp4", Clip(frames=120, options=regular)), 0.45, 0.5)
    truncate(write_clip(folder / "cut off.mp4", Clip()), 0.6)
    write_playlist(folder / "playlist.mp4", folder / "portrait.mp4")
    write_audio_only(folder / "audio only.mp4")
    path = folder / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(SQUAT, SQUAT.name)
        for video in sorted(folder.glob("*.m*")):
            archive.write(video, video.name)
        archive.write(folder / "portrait.mp4", "../escape.mp4")
        archive.writestr("notes.txt", "metadata is kept, not processed")
    return path


@pytest.fixture(scope="module")
def ended(client: marey.Client, package: Path) -> marey.Snapshot:
    """The package's job, at its end."""
    job = client.submit([package])
    return client.wait(job.id, DEADLINE_S)


@pytest.fixture(scope="module")
def results(client: marey.Client, ended: marey.Snapshot, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's results."""
    out = tmp_path_factory.mktemp("results")
    client.download_results(ended.job.id, out)
    return out


def frame_times(path: Path) -> list[Fraction]:
    """Presentation times of a file's pictures, from the first."""
    with av.open(str(path)) as container:
        times = [Fraction(frame.time or 0).limit_denominator(10**6) for frame in container.decode(video=0)]
    return [time - times[0] for time in times]


def size_px(path: Path) -> tuple[int, int]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def test_every_video_ends_with_its_own_verdict(ended: marey.Snapshot) -> None:
    verdicts = {video.name: (video.status, video.error_code) for video in ended.videos}
    assert verdicts == {
        "squat.mp4": ("completed", None),
        "portrait.mp4": ("completed", None),
        "variable rate.mkv": ("completed", None),
        "odd.mkv": ("completed", None),
        "one frame.mp4": ("completed", None),
        "damaged.mp4": ("completed", "corrupt_video"),
        "cut off.mp4": ("failed", "corrupt_video"),
        "playlist.mp4": ("failed", "unsupported_container"),
        "audio only.mp4": ("failed", "no_video_stream"),
        "../escape.mp4": ("failed", "unsafe_name"),
    }
    assert ended.job.status == "completed_with_errors"
    assert all(video.error_message for video in ended.videos if video.error_code)


def test_both_tables_hold_the_same_numbers(results: Path) -> None:
    with (results / "squat" / "keypoints.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = pq.read_table(results / "squat" / "keypoints.parquet")
    assert list(rows[0]) == table.column_names
    assert len(rows) == table.num_rows > 0
    for name in table.column_names:
        column = table[name].to_pylist()
        if isinstance(column[0], str):
            assert [row[name] for row in rows] == column
        else:
            np.testing.assert_allclose([float(row[name]) for row in rows], column, rtol=1e-5, atol=1e-6)


def test_rows_are_people_in_frames_at_the_frames_times(results: Path) -> None:
    table = pq.read_table(results / "squat" / "keypoints.parquet")
    frames, people = table["frame"].to_numpy(), table["person"].to_numpy()
    assert len({*zip(frames.tolist(), people.tolist(), strict=True)}) == table.num_rows
    assert (np.diff(frames) >= 0).all()
    assert set(frames.tolist()) <= set(range(150))
    np.testing.assert_allclose(table["time_s"].to_numpy(), frames / 25, atol=1e-6)
    assert {f"{joint}_x_px" for joint in HALPE_26.joints} <= set(table.column_names)
    widths = table["box_x2_px"].to_numpy() - table["box_x1_px"].to_numpy()
    assert (widths > 0).all()


@pytest.mark.parametrize(
    ("name", "source"),
    [("squat", SQUAT.name), ("portrait", "portrait.mp4"), ("variable rate", "variable rate.mkv")],
)
def test_the_overlay_keeps_the_sources_times(results: Path, package: Path, name: str, source: str) -> None:
    original = SQUAT if source == SQUAT.name else package.parent / source
    expected, got = frame_times(original), frame_times(results / name / "overlay.mp4")
    assert len(got) == len(expected)
    np.testing.assert_allclose([float(t) for t in got], [float(t) for t in expected], atol=1e-4)


def test_the_overlay_is_rotated_as_displayed(results: Path) -> None:
    assert size_px(results / "portrait" / "overlay.mp4") == (96, 128)
    assert size_px(results / "squat" / "overlay.mp4") == (1280, 720)


def test_nobody_in_the_picture_is_a_result(results: Path) -> None:
    summary = msgspec.json.decode((results / "one frame" / "summary.json").read_bytes())
    table = pq.read_table(results / "one frame" / "keypoints.parquet")
    assert summary["frames_decoded"] == 1
    assert summary["poses"] == table.num_rows


def test_damage_in_the_middle_is_declared_and_the_rest_delivered(
    ended: marey.Snapshot, results: Path
) -> None:
    summary = msgspec.json.decode((results / "damaged" / "summary.json").read_bytes())
    missing = sum(gap["last"] - gap["first"] + 1 for gap in summary["missing_frames"])
    (video,) = [video for video in ended.videos if video.name == "damaged.mp4"]
    assert 0 < missing == video.frames_missing < 60
    assert summary["frames"] == 120 == summary["frames_decoded"] + missing
    assert len(frame_times(results / "damaged" / "overlay.mp4")) == 120 - missing


def test_the_cut_into_batches_changes_no_pose(client: marey.Client, results: Path, tmp_path: Path) -> None:
    job = client.submit([SQUAT], "pose_2d", {"overlay": "off", "frame_batch_frames": 7, "batches_per_run": 3})
    assert client.wait(job.id, DEADLINE_S).job.status == "completed"
    client.download_results(job.id, tmp_path)
    again = pq.read_table(tmp_path / "squat" / "keypoints.parquet")
    first = pq.read_table(results / "squat" / "keypoints.parquet")
    assert again["frame"].equals(first["frame"])
    for name in (name for name in first.column_names if name.endswith("_px")):
        np.testing.assert_allclose(again[name].to_numpy(), first[name].to_numpy(), atol=0.02)
    assert not (tmp_path / "squat" / "overlay.mp4").exists()


def test_people_are_followed_between_the_frames_that_the_detector_looks_at(
    client: marey.Client, tmp_path: Path
) -> None:
    job = client.submit([SQUAT], "pose_2d", {"overlay": "off", "detector_interval": 3})
    assert client.wait(job.id, DEADLINE_S).job.status == "completed"
    client.download_results(job.id, tmp_path)
    found = pq.read_table(tmp_path / "squat" / "keypoints.parquet")
    frames, left_px = found["frame"].to_numpy(), found["box_x1_px"].to_numpy()
    assert frames.tolist() == list(
        range(msgspec.json.decode((tmp_path / "squat" / "summary.json").read_bytes())["frames"])
    )
    group = left_px[:7]
    np.testing.assert_allclose(group, np.interp(range(7), [0, 3, 6], group[[0, 3, 6]]), atol=0.02)
    assert len(set(np.diff(left_px[[0, 3, 6]]).tolist())) == 2, "expected somebody who moves"


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"not a zip", "not_a_zip"), (b"PK\x05\x06" + bytes(18), "empty_archive")],
    ids=["not a zip", "an empty zip"],
)
def test_a_package_that_cannot_be_read_fails_the_job(
    client: marey.Client, tmp_path: Path, content: bytes, code: str
) -> None:
    package = tmp_path / "package.zip"
    package.write_bytes(content)
    job = client.wait(client.submit([package]).id, DEADLINE_S).job
    assert (job.status, job.error_code) == ("failed", code)
    assert job.error_message

"""Which files the demo takes, and what it says about them."""

import io
from datetime import UTC, datetime
from pathlib import Path

import marey
import pytest
from rich.console import Console

from core.errors import ConfigurationError, InvalidParameterError
from deploy import demo
from deploy.demo_report import Stopwatch, results_table, troubles


def video(name: str = "jump.mp4", status: str = "completed", **fields: object) -> marey.JobVideo:
    """A video of 300 frames."""
    known = {"id": 1, "job_id": 1, "name": name, "status": status, "frames_total": 300, "frames_done": 300}
    return marey.JobVideo(**{**known, **fields})  # type: ignore[arg-type]


def snapshot(*videos: marey.JobVideo, status: str = "running") -> marey.Snapshot:
    """A job with `videos`."""
    job = marey.Job(
        id=1,
        status=status,
        pipeline="pose_2d",
        tier="standard",
        user_id=1,
        project_id=1,
        pipeline_parameter_set_id=1,
        job_parameters={},
        created_at=datetime(2026, 11, 23, tzinfo=UTC),
        error_code="no_video" if status == "failed" else None,
        error_message="The package has no video." if status == "failed" else None,
    )
    return marey.Snapshot(job=job, videos=list(videos))


def test_one_text_may_name_several_files_or_one_with_spaces(tmp_path: Path) -> None:
    first, second, spaced = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "my jump.mp4"
    for path in (first, second, spaced):
        path.touch()
    assert demo.demo_videos([f"{first} {second}"]) == [first, second]
    assert demo.demo_videos([str(spaced)]) == [spaced]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"missing.mp4.*no such file"):
        demo.demo_videos([str(tmp_path / "missing.mp4")])


def test_a_name_may_have_an_apostrophe(tmp_path: Path) -> None:
    there, missing = tmp_path / "it's here.mp4", tmp_path / "it's gone.mp4"
    there.touch()
    assert demo.demo_videos([str(there)]) == [there]
    with pytest.raises(InvalidParameterError, match=r"it's gone.mp4.*no such file"):
        demo.demo_videos([str(missing)])


def test_a_folder_is_not_a_video(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="not a file"):
        demo.demo_videos([str(tmp_path)])


def test_the_folder_for_results_is_made_or_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert demo.results_folder(Path("~/a/b")) == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InvalidParameterError, match=r"expected a folder.*file/out.*Not a directory"):
        demo.results_folder(tmp_path / "file" / "out")


def test_without_files_the_clips_of_the_repository_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "CLIPS", tmp_path)
    with pytest.raises(ConfigurationError, match="expected example clips"):
        demo.demo_videos([])
    for name in ("b.mp4", "a.mp4", "a.json"):
        (tmp_path / name).touch()
    assert [path.name for path in demo.demo_videos([])] == ["a.mp4", "b.mp4"]


def test_a_video_is_timed_from_its_first_work_to_its_end() -> None:
    stopwatch = Stopwatch()
    stopwatch.look(snapshot(video(status="queued", frames_done=0)), 10.0)
    stopwatch.look(snapshot(video(status="inferring", frames_done=8)), 12.0)
    stopwatch.look(snapshot(video(status="completed")), 18.0)
    stopwatch.look(snapshot(video(status="completed"), status="completed"), 20.0)
    assert stopwatch.frames_per_s(video()) == pytest.approx(50.0)


def test_a_job_is_idle_while_its_snapshots_are_alike() -> None:
    stopwatch = Stopwatch()
    assert stopwatch.idle_s(5.0) == 0.0
    stopwatch.look(snapshot(video(frames_done=1)), 10.0)
    stopwatch.look(snapshot(video(frames_done=1)), 15.0)
    assert stopwatch.idle_s(16.0) == pytest.approx(6.0)
    stopwatch.look(snapshot(video(frames_done=2)), 20.0)
    assert stopwatch.idle_s(20.0) == 0.0


def test_the_table_shows_what_is_known() -> None:
    output = io.StringIO()
    files = [marey.ResultFile(path="keypoints.csv", size_bytes=1, url="", video_id=1)]
    done = video(frames_missing=2, summary={"people": 3, "mean_confidence": 0.876})
    table = results_table([done, video("bad.mp4", "failed", id=2, frames_done=0)], files, Stopwatch())
    Console(width=120, file=output).print(table)
    rows = [line.split() for line in output.getvalue().splitlines()]
    assert rows[1] == ["jump.mp4", "298", "3", "0.88", "-", "1"]
    assert rows[2] == ["bad.mp4", "0", "-", "-", "-", "0"]


def test_every_trouble_has_a_sentence() -> None:
    bad = video("bad.mp4", "failed", error_code="corrupt_video", error_message="The video is damaged.")
    assert list(troubles(snapshot(bad, status="failed"))) == [
        "The job failed: The package has no video. [no_video]",
        "bad.mp4 failed: The video is damaged. [corrupt_video]",
    ]
    assert list(troubles(snapshot(video(), status="completed"))) == []

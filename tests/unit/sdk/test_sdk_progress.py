"""Progress for terminals and for logs."""

import io

import pytest
from marey.objects.jobs import JobVideo, Snapshot
from marey.progress import describe, job_progress, shown_progress, upload_progress
from rich.console import Console

from tests.unit.sdk.jobs import job


def video(done: int, status: str = "inferring", error_message: str | None = None) -> JobVideo:
    return JobVideo(
        id=1,
        job_id=7,
        name="[b]run.mp4",
        status=status,
        progress=done / 100,
        frames_total=100,
        frames_done=done,
        error_code="corrupt_video" if error_message else None,
        error_message=error_message,
    )


def shown(snapshots: list[Snapshot], *, terminal: bool) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=100)
    with job_progress(console) as on_progress:
        for snapshot in snapshots:
            on_progress(snapshot)
    return output.getvalue()


def test_logs_get_a_line_per_change_and_per_quarter() -> None:
    running = [Snapshot(job=job("running", 7), videos=[video(done)]) for done in range(0, 100, 5)]
    ended = Snapshot(job=job("completed", 7), videos=[video(100, "completed")])
    assert shown([*running, ended], terminal=False).splitlines() == [
        "[b]run.mp4: inferring 0/100 frames",
        "job 7: running",
        "[b]run.mp4: inferring 25/100 frames",
        "[b]run.mp4: inferring 50/100 frames",
        "[b]run.mp4: inferring 75/100 frames",
        "[b]run.mp4: completed 100/100 frames",
        "job 7: completed",
    ]


def test_terminals_get_a_bar_per_video() -> None:
    drawn = shown([Snapshot(job=job("running", 7), videos=[video(40)])], terminal=True)
    assert "[b]run.mp4" in drawn
    assert "40%" in drawn
    assert "━" in drawn


def test_uploads_are_drawn_on_both() -> None:
    for terminal in (True, False):
        output = io.StringIO()
        with upload_progress(Console(file=output, force_terminal=terminal, width=100)) as on_upload:
            on_upload(1_000_000, 2_000_000)
            on_upload(2_000_000, 2_000_000)
        assert ("uploading" if terminal else "uploaded 2.0 MB") in output.getvalue()


def test_a_failed_video_says_why() -> None:
    failed = video(3, "failed", "The video is damaged.")
    assert describe(failed) == "failed: The video is damaged. [corrupt_video]"
    assert describe(video(3)) == "inferring 3/100 frames"
    assert describe(JobVideo(id=1, job_id=1, name="a", status="queued")) == "queued"


def test_progress_of_a_whole_analysis_is_shown_on_a_terminal_or_on_demand(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with shown_progress(None) as quiet:
        assert quiet == (None, None)
    with shown_progress(True) as (on_upload, on_progress):
        assert on_upload is not None
        assert on_progress is not None
        on_upload(2_000_000, 2_000_000)
        on_progress(Snapshot(job=job("running", 7), videos=[video(50)]))
        on_progress(Snapshot(job=job("completed", 7), videos=[video(100, "completed")]))
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "uploaded 2.0 MB",
        "[b]run.mp4: inferring 50/100 frames",
        "job 7: running",
        "[b]run.mp4: completed 100/100 frames",
        "job 7: completed",
    ]

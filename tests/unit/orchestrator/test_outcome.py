"""How videos and jobs end."""

from dataclasses import replace

import pytest

from biomechanics.summary import FailedRange, FrameRange
from core.jobs import JobStatus, VideoStatus
from orchestrator.outcome import declare_gaps, job_end
from orchestrator.store import VideoView


def video(status: VideoStatus, code: str | None = None) -> VideoView:
    return VideoView(
        id=1,
        job_id=1,
        name="v.mp4",
        status=status,
        error_code=code,
        error_message=code and f"about {code}",
        frames_total=10,
        frames_done=10,
        frames_missing=0,
        results_path="jobs/1/videos/1/",
        summary=None,
    )


GOOD = video(VideoStatus.COMPLETED)
FLAWED = video(VideoStatus.COMPLETED, "corrupt_video")
FAILED = video(VideoStatus.FAILED, "no_frames")


@pytest.mark.parametrize(
    ("videos", "status", "code"),
    [
        ([GOOD], JobStatus.COMPLETED, None),
        ([GOOD, GOOD], JobStatus.COMPLETED, None),
        ([GOOD, FAILED], JobStatus.COMPLETED_WITH_ERRORS, "no_frames"),
        ([FLAWED], JobStatus.COMPLETED_WITH_ERRORS, "corrupt_video"),
        ([FAILED, FLAWED], JobStatus.COMPLETED_WITH_ERRORS, "no_frames"),
        ([FAILED], JobStatus.FAILED, "no_frames"),
        ([FAILED, FAILED], JobStatus.FAILED, "no_frames"),
    ],
)
def test_job_end(videos: list[VideoView], status: JobStatus, code: str | None) -> None:
    end = job_end(videos)
    assert (end.status, end.failure and end.failure.code) == (status, code)


def test_the_job_tells_how_many_videos_had_errors() -> None:
    failure = job_end([GOOD, FAILED, FLAWED]).failure
    assert failure is not None
    assert failure.message == "2 of 3 videos had errors; v.mp4: about no_frames"


def test_a_message_that_names_its_video_names_it_once() -> None:
    failure = job_end([GOOD, replace(FAILED, error_message="v.mp4: expected a video stream")]).failure
    assert failure is not None
    assert failure.message == "1 of 2 videos had errors; v.mp4: expected a video stream"


def test_gaps_are_named_by_their_frames() -> None:
    failure = declare_gaps([FrameRange(first=3, last=3), FrameRange(first=7, last=9)], 20, [])
    assert failure.code == "corrupt_video"
    assert failure.message == (
        "4 of 20 frames are missing from the results: frames 3, 7-9 could not be decoded"
    )


def test_many_gaps_are_counted() -> None:
    gaps = [FrameRange(first=10 * place, last=10 * place) for place in range(8)]
    assert "30, 40 and 3 more gaps" in declare_gaps(gaps, 100, []).message


def test_a_failed_run_explains_its_gap() -> None:
    failed = FailedRange(
        first_frame=0, last_frame=9, error_code="inference", error_message="Triton said no", attempts=5
    )
    failure = declare_gaps([FrameRange(first=0, last=9)], 20, [failed])
    assert failure.code == "inference"
    assert failure.message.endswith("frames 0-9; Triton said no")


@pytest.mark.parametrize(
    ("view", "progress"),
    [
        (GOOD, 1.0),
        (replace(FAILED, frames_done=0), 1.0),
        (replace(GOOD, status=VideoStatus.INFERRING, frames_done=4), 0.4),
        (replace(GOOD, status=VideoStatus.QUEUED, frames_done=0, frames_total=0), 0.0),
    ],
)
def test_progress(view: VideoView, progress: float) -> None:
    assert view.progress == progress

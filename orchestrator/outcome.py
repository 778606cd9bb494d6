"""How videos and jobs end: pure."""

from collections.abc import Sequence

from biomechanics.summary import FailedRange, FrameRange
from core.errors import CorruptVideoError
from core.jobs import JobStatus, VideoStatus
from orchestrator.store import VideoView
from orchestrator.store.flow import JobEnd
from orchestrator.store.tasks import Failure

_GAPS_NAMED = 5


def declare_gaps(gaps: Sequence[FrameRange], frame_count: int, failed: Sequence[FailedRange]) -> Failure:
    """What is missing from a video's results and why. There is at least one gap.

    The error is that of the first range that was given up; if there is none, frames could not be decoded.
    """
    missing = sum(gap.last - gap.first + 1 for gap in gaps)
    named = ", ".join(_named(gap) for gap in gaps[:_GAPS_NAMED])
    more = f" and {len(gaps) - _GAPS_NAMED} more gaps" if len(gaps) > _GAPS_NAMED else ""
    text = f"{missing} of {frame_count} frames are missing from the results: frames {named}{more}"
    if failed:
        return Failure(code=failed[0].error_code, message=f"{text}; {failed[0].error_message}")
    return Failure(code=CorruptVideoError.code, message=f"{text} could not be decoded")


def _named(gap: FrameRange) -> str:
    return str(gap.first) if gap.first == gap.last else f"{gap.first}-{gap.last}"


def job_end(videos: Sequence[VideoView]) -> JobEnd:
    """A job's end from those of its videos: any error shows, and it failed if no video has results."""
    failed = [video for video in videos if video.status is VideoStatus.FAILED]
    flawed = [video for video in videos if video.error_code is not None]
    if not flawed:
        return JobEnd(status=JobStatus.COMPLETED)
    first = flawed[0]
    why = (first.error_message or "").removeprefix(f"{first.name}: ")
    failure = Failure(
        code=first.error_code or "",
        message=f"{len(flawed)} of {len(videos)} videos had errors; {first.name}: {why}",
    )
    status = JobStatus.FAILED if len(failed) == len(videos) else JobStatus.COMPLETED_WITH_ERRORS
    return JobEnd(status=status, failure=failure)

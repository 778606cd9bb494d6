"""Jobs and videos of the store -> bodies."""

from api.jobs.schemas import FailedRangeOut, JobOut, VideoOut
from orchestrator.store import JobView, VideoView


def job_out(job: JobView) -> JobOut:
    """The job as its user sees it."""
    return JobOut(
        id=job.id,
        user_id=job.user_id,
        project_id=job.project_id,
        status=job.status,
        pipeline=job.pipeline_name,
        pipeline_parameter_set_id=job.pipeline_parameter_set_id,
        tier=job.tier,
        job_parameters={"input": job.input_key, **job.parameters},
        videos_total=job.videos_total,
        videos_done=job.videos_done,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error_code=job.error_code,
        error_message=job.error_message,
    )


def video_out(video: VideoView) -> VideoOut:
    """The video as its user sees it."""
    return VideoOut(
        id=video.id,
        job_id=video.job_id,
        name=video.name,
        status=video.status,
        progress=video.progress,
        frames_total=video.frames_total,
        frames_done=video.frames_done,
        frames_missing=video.frames_missing,
        error_code=video.error_code,
        error_message=video.error_message,
        summary=video.summary,
        failed_ranges=[
            FailedRangeOut(
                first_frame=failed.first_frame,
                last_frame=failed.last_frame,
                error_code=failed.error_code,
                error_message=failed.error_message,
                attempts=failed.attempts,
            )
            for failed in video.failed_ranges
        ],
    )

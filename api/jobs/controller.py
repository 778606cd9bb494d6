"""/job: start, list and watch jobs."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK

from api.admission import STARTS_WORK
from api.dependencies import JobsDep, TenantDep
from api.jobs.schemas import FailedRangeOut, JobCreate, JobList, JobOut, VideoList, VideoOut
from orchestrator.store import JobView, VideoView

MAX_ID = 2**63 - 1
"""Largest bigint of Postgres."""
JobId = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="Id of a job")]
Limit = Annotated[int, QueryParameter(ge=1, le=100, description="At most so many")]


class JobController(Controller):
    """Jobs and their videos."""

    path = "/job"
    tags = ("job",)

    @post(opt=STARTS_WORK)
    async def create(self, data: JSONBody[JobCreate], tenant: TenantDep, jobs: JobsDep) -> JobOut:
        """Start a job on an uploaded package."""
        return _job_out(await jobs.create(tenant, data))

    @get()
    async def list_latest(self, tenant: TenantDep, jobs: JobsDep, limit: Limit = 20) -> JobList:
        """The latest jobs, newest first."""
        return JobList(items=[_job_out(job) for job in await jobs.latest(tenant, limit)])

    @get("/{job_id:int}")
    async def read(self, job_id: JobId, tenant: TenantDep, jobs: JobsDep) -> JobOut:
        """A job as it is now."""
        return _job_out(await jobs.job(tenant, job_id))

    @post("/{job_id:int}/cancel", status_code=HTTP_200_OK)
    async def cancel(self, job_id: JobId, tenant: TenantDep, jobs: JobsDep) -> JobOut:
        """End a job that has not ended; what it has delivered so far stays."""
        return _job_out(await jobs.cancel(tenant, job_id))

    @post("/{job_id:int}/redrive", status_code=HTTP_200_OK, opt=STARTS_WORK)
    async def redrive(self, job_id: JobId, tenant: TenantDep, jobs: JobsDep) -> JobOut:
        """Work again on what failed after all its attempts, and on nothing else."""
        return _job_out(await jobs.redrive(tenant, job_id))

    @get("/{job_id:int}/video")
    async def list_videos(self, job_id: JobId, tenant: TenantDep, jobs: JobsDep) -> VideoList:
        """The videos of a job; none until its package was opened."""
        return VideoList(items=[_video_out(video) for video in await jobs.videos(tenant, job_id)])


def _job_out(job: JobView) -> JobOut:
    return JobOut(
        id=job.id,
        status=job.status,
        pipeline=job.pipeline_name,
        tier=job.tier,
        parameters=job.parameters,
        videos_total=job.videos_total,
        videos_done=job.videos_done,
        created_at=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        error_code=job.error_code,
        error_message=job.error_message,
    )


def _video_out(video: VideoView) -> VideoOut:
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

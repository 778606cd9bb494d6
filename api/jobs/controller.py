"""/job: start, list and watch jobs."""

from functools import partial
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.params import HeaderParameter, JSONBody, PathParameter
from litestar.response import ServerSentEvent
from litestar.status_codes import HTTP_200_OK
from litestar.types import Scope

from api.accounts.tenants import tenant_of
from api.admission import STARTS_WORK
from api.catalogue.bodies import MAX_ID
from api.catalogue.lists import Page, next_cursor, window_of
from api.dependencies import services_of
from api.jobs.events import job_events
from api.jobs.parameters import KEY_PATTERN, MAX_KEY_LENGTH
from api.jobs.schemas import JobCreate, JobOut, VideoList
from api.jobs.shapes import job_out, video_out
from orchestrator.store.resources import JOBS

JobId = Annotated[int, PathParameter(ge=1, le=MAX_ID, description="Id of a job")]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        schema_extra={"minLength": 1, "maxLength": MAX_KEY_LENGTH, "pattern": KEY_PATTERN},
        description="A second request with this key makes no second job: it gets the first one.",
    ),
]


class JobController(Controller):
    """Jobs and their videos."""

    path = "/job"
    tags = ("job",)

    @post(opt=STARTS_WORK)
    async def create(
        self,
        data: JSONBody[JobCreate],
        scope: Scope,
        idempotency_key: IdempotencyKey = None,
    ) -> JobOut:
        """Start a job on an uploaded package."""
        return job_out(await services_of(scope).jobs.create(tenant_of(scope), data, idempotency_key))

    @get(summary="List job objects, the newest first")
    async def list_objects(self, request: Request[Any, Any, Any], scope: Scope) -> Page[JobOut]:
        """A page of the list."""
        window = window_of(JOBS, request.query_params.dict())
        rows = await services_of(scope).catalogue.rows(tenant_of(scope), JOBS, window)
        return Page(items=[job_out(row) for row in rows], next_cursor=next_cursor(window, rows))

    @get("/{job_id:int}")
    async def read(self, job_id: JobId, scope: Scope) -> JobOut:
        """A job as it is now."""
        return job_out(await services_of(scope).jobs.job(tenant_of(scope), job_id))

    @get("/{job_id:int}/events", media_type="text/event-stream")
    async def watch(self, job_id: JobId, scope: Scope) -> ServerSentEvent:
        """Server-sent events `job`: the job and its videos, now and after each change until the end."""
        tenant, services = tenant_of(scope), services_of(scope)
        await services.jobs.job(tenant, job_id)
        return ServerSentEvent(job_events(partial(services.jobs.event, tenant, job_id), services.stopping))

    @post("/{job_id:int}/cancel", status_code=HTTP_200_OK)
    async def cancel(self, job_id: JobId, scope: Scope) -> JobOut:
        """End a job that has not ended; what it has delivered so far stays."""
        return job_out(await services_of(scope).jobs.cancel(tenant_of(scope), job_id))

    @post("/{job_id:int}/redrive", status_code=HTTP_200_OK, opt=STARTS_WORK)
    async def redrive(self, job_id: JobId, scope: Scope) -> JobOut:
        """Work again on what failed after all its attempts, and on nothing else."""
        return job_out(await services_of(scope).jobs.redrive(tenant_of(scope), job_id))

    @get("/{job_id:int}/video")
    async def list_videos(self, job_id: JobId, scope: Scope) -> VideoList:
        """The videos of a job; none until its package was opened."""
        videos = await services_of(scope).jobs.videos(tenant_of(scope), job_id)
        return VideoList(items=[video_out(video) for video in videos])

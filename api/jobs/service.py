"""Jobs: checked on the way in, read on the way out."""

import asyncio
import re
from collections.abc import Mapping

from api.jobs.parameters import check_idempotency_key, check_parameters
from api.jobs.schemas import JobCreate, JobEvent
from api.jobs.shapes import job_out, video_out
from core.errors import InvalidParameterError, NotFoundError
from orchestrator.objects import ObjectStore
from orchestrator.refusals import shown
from orchestrator.store import JobRequest, JobStore, JobTerms, JobView, Tenant, VideoView

_INPUT_KEY = re.compile(r"uploads/(\d+)/[0-9a-f]{32}\.zip", re.ASCII)


class Jobs:
    """What the API does with jobs."""

    def __init__(self, store: JobStore, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def create(self, tenant: Tenant, job: JobCreate, idempotency_key: str | None = None) -> JobView:
        """Record a job. Raises InvalidParameterError for what it cannot start with, QuotaExceededError,
        IdempotencyKeyReusedError."""
        if idempotency_key is not None:
            check_idempotency_key(idempotency_key)
        check_parameters(job.parameters)
        input_bytes = await asyncio.to_thread(self._upload_bytes, tenant, job.input)
        if input_bytes is None:
            raise InvalidParameterError(
                f"input: expected the input_key of a finished upload, got {shown(job.input)}"
            )
        request = JobRequest(
            pipeline_name=job.pipeline,
            parameters=job.parameters,
            input_key=job.input,
            input_bytes=input_bytes,
            idempotency_key=idempotency_key,
        )
        return await self._store.job(tenant, await self._store.create(tenant, request))

    async def terms(self, tenant: Tenant, pipeline: str, requested: Mapping[str, object]) -> JobTerms:
        """Those that a job would have. Raises InvalidParameterError."""
        check_parameters(requested)
        return await self._store.terms(tenant, pipeline, requested)

    async def job(self, tenant: Tenant, job_id: int) -> JobView:
        """The job. Raises NotFoundError."""
        return await self._store.job(tenant, job_id)

    async def videos(self, tenant: Tenant, job_id: int) -> list[VideoView]:
        """The job's videos. Raises NotFoundError if there is no such job."""
        return (await self._store.snapshot(tenant, job_id)).videos

    async def event(self, tenant: Tenant, job_id: int) -> JobEvent:
        """The job and its videos now. Raises NotFoundError."""
        job = await self._store.snapshot(tenant, job_id)
        return JobEvent(job=job_out(job), videos=[video_out(video) for video in job.videos])

    async def cancel(self, tenant: Tenant, job_id: int) -> JobView:
        """The job, cancelled. Raises NotFoundError, ConflictError."""
        return await self._store.cancel(tenant, job_id)

    async def redrive(self, tenant: Tenant, job_id: int) -> JobView:
        """The job, at work again. Raises NotFoundError, ConflictError."""
        return await self._store.redrive(tenant, job_id)

    def _upload_bytes(self, tenant: Tenant, key: str) -> int | None:
        """Size of a finished upload. Only the project that uploaded a package can use it."""
        match = _INPUT_KEY.fullmatch(key)
        if match is None or match[1] != str(tenant.project_id):
            return None
        try:
            return self._objects.size_bytes(key)
        except NotFoundError:
            return None

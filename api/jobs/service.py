"""Jobs: checked on the way in, read on the way out."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress

from api.jobs.parameters import check_idempotency_key, check_parameters, split_input
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
        """Record a job, of whoever asks or whom he names; the package is of who asks.

        Raises InvalidParameterError for what it cannot start with, NotFoundError and ForbiddenError for whose
        it cannot be, QuotaExceededError, IdempotencyKeyReusedError.
        """
        if idempotency_key is not None:
            check_idempotency_key(idempotency_key)
        input_key, parameters = split_input(job.job_parameters)
        request = JobRequest(
            pipeline_name=job.pipeline,
            parameters=parameters,
            pipeline_parameter_set_id=job.pipeline_parameter_set_id,
            input_key=input_key,
            input_bytes=await asyncio.to_thread(self._upload_bytes, tenant, input_key),
            idempotency_key=idempotency_key,
        )
        owner = await self._store.owner(tenant, job.user_id, job.project_id)
        return await self._store.job(owner, await self._store.create(owner, request))

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

    def _upload_bytes(self, tenant: Tenant, key: str) -> int:
        """Size of a finished upload, which only its project may use. Raises InvalidParameterError."""
        match = _INPUT_KEY.fullmatch(key)
        if match is not None and match[1] == str(tenant.project_id):
            with suppress(NotFoundError):
                return self._objects.size_bytes(key)
        raise InvalidParameterError(
            f"job_parameters.input: expected the input_key of a finished upload, got {shown(key)}"
        )

"""Jobs: checked on the way in, read on the way out."""

import asyncio
import re

from api.jobs.parameters import check_parameters
from api.jobs.schemas import JobCreate
from core.errors import InvalidParameterError
from orchestrator.objects import ObjectStore
from orchestrator.store import JobRequest, JobView, Store, VideoView

_INPUT_KEY = re.compile(r"uploads/[0-9a-f]{32}\.zip")


class Jobs:
    """What the API does with jobs."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def create(self, job: JobCreate) -> JobView:
        """Record a job. Raises InvalidParameterError for what it cannot start with."""
        check_parameters(job.parameters)
        if not await asyncio.to_thread(self._is_finished_upload, job.input):
            raise InvalidParameterError(
                f"input: expected the input_key of a finished upload, got {job.input[:80]!r}"
            )
        request = JobRequest(pipeline_name=job.pipeline, parameters=job.parameters, input_key=job.input)
        return await self._store.job(await self._store.create_job(request))

    async def job(self, job_id: int) -> JobView:
        """The job. Raises NotFoundError."""
        return await self._store.job(job_id)

    async def latest(self, limit: int) -> list[JobView]:
        """The newest jobs first."""
        return await self._store.list_jobs(limit=limit)

    async def videos(self, job_id: int) -> list[VideoView]:
        """The job's videos. Raises NotFoundError if there is no such job."""
        await self._store.job(job_id)
        return await self._store.videos(job_id)

    async def cancel(self, job_id: int) -> JobView:
        """The job, cancelled. Raises NotFoundError, ConflictError."""
        return await self._store.cancel(job_id)

    async def redrive(self, job_id: int) -> JobView:
        """The job, at work again. Raises NotFoundError, ConflictError."""
        return await self._store.redrive(job_id)

    def _is_finished_upload(self, key: str) -> bool:
        return bool(_INPUT_KEY.fullmatch(key)) and self._objects.exists(key)

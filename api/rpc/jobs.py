"""`marey.v1.JobService`: the calls of `/job`, over the same services."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial

from marey.v1 import jobs_pb2_grpc
from marey.v1.jobs_pb2 import (
    GetJobRequest,
    GetJobResponse,
    JobSpec,
    ListResultsRequest,
    ListResultsResponse,
    SubmitJobRequest,
    SubmitJobResponse,
    WatchJobRequest,
    WatchJobResponse,
)

from api.dependencies import Services
from api.jobs.events import job_looks
from api.jobs.parameters import check_idempotency_key, check_parameters
from api.jobs.schemas import DEFAULT_PIPELINE, JobCreate
from api.jobs.shapes import job_out
from api.rpc.gate import Call
from api.rpc.messages import file_message, job_message, parameters_of, video_message
from core.errors import InvalidParameterError, UploadIncompleteError


class JobServicer(jobs_pb2_grpc.JobServiceServicer):
    """Jobs and their results."""

    def __init__(self, services: Services, public_url: str) -> None:
        self._services = services
        self._public_url = public_url

    async def SubmitJob(self, requests: AsyncIterator[SubmitJobRequest], call: Call) -> SubmitJobResponse:
        """Start a job on a package that follows, or was uploaded."""
        spec = await _checked_spec(requests)
        key = spec.idempotency_key or None
        package = spec.input_key
        if not package:
            chunks = _chunks(requests, spec.package_bytes)
            name = _package_name(spec)
            package = await self._services.uploads.take(call.tenant, chunks, spec.package_bytes, name)
        job = await self._services.jobs.create(call.tenant, _job_create(spec, package), key)
        return SubmitJobResponse(job=job_message(job_out(job)))

    async def GetJob(self, request: GetJobRequest, call: Call) -> GetJobResponse:
        """A job and its videos as they are now."""
        event = await self._services.jobs.event(call.tenant, request.job_id)
        return GetJobResponse(job=job_message(event.job), videos=map(video_message, event.videos))

    async def WatchJob(self, request: WatchJobRequest, call: Call) -> AsyncGenerator[WatchJobResponse, None]:
        """The job and its videos, now and after each change until the end."""
        look = partial(self._services.jobs.event, call.tenant, request.job_id)
        async with aclosing(job_looks(look, self._services.stopping)) as events:
            async for event in events:
                if event is not None:
                    videos = map(video_message, event.videos)
                    yield WatchJobResponse(job=job_message(event.job), videos=videos)

    async def ListResults(self, request: ListResultsRequest, call: Call) -> ListResultsResponse:
        """The files that the job has produced so far."""
        results, job_id = self._services.results, request.job_id

        def url(path: str | None) -> str:
            return f"{self._public_url}/download/{results.token(call.tenant, job_id, path)}"

        files = await results.files(call.tenant, job_id)
        messages = [file_message(file, url(file.place.path)) for file in files]
        return ListResultsResponse(files=messages, archive_url=url(None))


async def _checked_spec(requests: AsyncIterator[SubmitJobRequest]) -> JobSpec:
    """The first message. What can be refused before the package comes is."""
    first = await anext(requests, SubmitJobRequest())
    if first.WhichOneof("part") != "job":
        raise InvalidParameterError(f"expected `job` in the first message, got {first.WhichOneof('part')}")
    check_parameters(parameters_of(first.job.parameters))
    if not first.job.input_key and first.job.package_bytes < 1:
        raise InvalidParameterError(
            f"package_bytes: expected the size of the package that follows, got {first.job.package_bytes}"
        )
    if first.job.idempotency_key:
        check_idempotency_key(first.job.idempotency_key)
    return first.job


async def _chunks(requests: AsyncIterator[SubmitJobRequest], package_bytes: int) -> AsyncIterator[bytes]:
    """The package. A stream that a dying client leaves looks like one that has ended: only its size tells."""
    missing_bytes = package_bytes
    async for request in requests:
        if request.WhichOneof("part") != "package_chunk":
            raise InvalidParameterError("expected `package_chunk` after the first message, got another part")
        missing_bytes -= len(request.package_chunk)
        if missing_bytes < 0:
            break
        yield request.package_chunk
    if missing_bytes:
        got = "more" if missing_bytes < 0 else f"{package_bytes - missing_bytes}"
        raise UploadIncompleteError(f"expected {package_bytes} bytes, got {got}")


def _package_name(spec: JobSpec) -> str | None:
    """What a package that is sent again is known by. The key alone would give one user's package to the next
    that an administrator names with it."""
    return f"{spec.user_id} {spec.idempotency_key}" if spec.idempotency_key else None


def _job_create(spec: JobSpec, package: str) -> JobCreate:
    return JobCreate(
        job_parameters={**parameters_of(spec.parameters), "input": package},
        pipeline=spec.pipeline or DEFAULT_PIPELINE,
        user_id=spec.user_id or None,
        project_id=spec.project_id or None,
        pipeline_parameter_set_id=spec.pipeline_parameter_set_id or None,
    )

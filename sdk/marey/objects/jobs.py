"""Jobs: started, followed, ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime

import msgspec

from marey.errors import ConnectionLostError, JobTimeoutError, MareyError
from marey.objects.collection import Kind, Objects
from marey.requests import Request, json_request
from marey.retry import may_repeat
from marey.server_events import EventReader

_FINAL = frozenset({"completed", "completed_with_errors", "failed", "cancelled"})
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0
_RECONNECTIONS = 10
"""In a row that bring nothing."""

Parameters = Mapping[str, object]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A package of videos on its way through a pipeline."""

    id: int
    user_id: int
    project_id: int
    status: str
    """queued, running, collecting, completed, completed_with_errors, failed or cancelled."""
    pipeline: str
    pipeline_parameter_set_id: int
    tier: str
    job_parameters: dict[str, object]
    """Complete: the `input`, the defaults and what the request set."""
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    videos_total: int = 0
    videos_done: int = 0
    error_code: str | None = None
    error_message: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in _FINAL

    @property
    def succeeded(self) -> bool:
        """Whether every video was processed without error."""
        return self.status == "completed"


class FailedRange(msgspec.Struct, frozen=True, kw_only=True):
    """Frames that were given up after all their attempts; `redrive` tries them again."""

    first_frame: int
    last_frame: int
    """Included."""
    error_code: str
    error_message: str
    attempts: int


class JobVideo(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one video of a job."""

    id: int
    job_id: int
    name: str
    status: str
    """queued, inferring, collecting, completed, failed or cancelled."""
    progress: float = 0.0
    """Share of the frames that are done, 0 to 1."""
    frames_total: int = 0
    """0 until the video was probed."""
    frames_done: int = 0
    frames_missing: int = 0
    """Frames that could not be read."""
    error_code: str | None = None
    error_message: str | None = None
    summary: dict[str, object] | None = None
    failed_ranges: list[FailedRange] = []


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A job and its videos at one moment."""

    job: Job
    videos: list[JobVideo]
    """In the package's order; none until it was opened."""


OnProgress = Callable[[Snapshot], None]
"""Called with the job and its videos each time they were looked at."""
JOB = Kind("job", Job)


class _JobVideos(msgspec.Struct, frozen=True, kw_only=True):
    items: list[JobVideo]


class Jobs(Objects):
    """Operations on jobs."""

    def list_jobs(
        self,
        *,
        user_id: int | None = None,
        pipeline_id: int | None = None,
        pipeline_parameter_set_id: int | None = None,
        sort: str | None = None,
        page_size: int | None = None,
    ) -> AsyncIterator[Job]:
        """Jobs, the newest first, of one user, pipeline or parameter set if given. Sorts: id, -id."""
        parents = {
            "user_id": user_id,
            "pipeline_id": pipeline_id,
            "pipeline_parameter_set_id": pipeline_parameter_set_id,
        }
        return self._of(JOB).all(parents, sort, page_size)

    async def get_job(self, job_id: int) -> Job:
        """A job as it is now."""
        return await self._of(JOB).read(job_id)

    async def create_job(  # noqa: PLR0913 (an argument per field)
        self,
        input_key: str,
        pipeline: str = "pose_2d",
        parameters: Parameters | None = None,
        *,
        user_id: int | None = None,
        project_id: int | None = None,
        pipeline_parameter_set_id: int | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Start a job on a package that was uploaded before.

        It is of whoever has the key; an administrator may name a user, for whom it is made. The set has the
        parameters that are not given: by default that of the user's group.

        A second request with an idempotency key makes no second job. Without one this call makes its own, so
        that it may be sent again when the connection breaks.
        """
        ids = {
            "user_id": user_id,
            "project_id": project_id,
            "pipeline_parameter_set_id": pipeline_parameter_set_id,
        }
        body = {
            "job_parameters": {**(parameters or {}), "input": input_key},
            "pipeline": pipeline,
            **{name: number for name, number in ids.items() if number is not None},
        }
        headers = {"idempotency-key": idempotency_key or uuid.uuid4().hex}
        request = json_request("POST", "/job", body, headers, repeatable=True)
        return await self._connection.send(request, Job)

    async def cancel(self, job_id: int) -> Job:
        """End a job that has not ended. Raises ConflictError for one that has."""
        return await self._connection.send(Request("POST", f"/job/{job_id}/cancel"), Job)

    async def redrive(self, job_id: int) -> Job:
        """Work again on what failed after all its attempts. Raises ConflictError if there is nothing."""
        return await self._connection.send(Request("POST", f"/job/{job_id}/redrive"), Job)

    async def snapshot(self, job_id: int) -> Snapshot:
        """The job and its videos; the videos of a job that has ended are final."""
        job = await self.get_job(job_id)
        videos = await self._connection.send(Request("GET", f"/job/{job_id}/video"), _JobVideos)
        return Snapshot(job=job, videos=videos.items)

    async def wait(
        self, job_id: int, timeout_s: float | None = None, on_progress: OnProgress | None = None
    ) -> Snapshot:
        """Look at the job until it has ended, well or badly. Raises JobTimeoutError after `timeout_s`."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        pause_s = _FIRST_PAUSE_S
        while True:
            snapshot = await self.snapshot(job_id)
            if on_progress is not None:
                on_progress(snapshot)
            if snapshot.job.is_final:
                return snapshot
            if deadline_s is not None and time.monotonic() + pause_s > deadline_s:
                raise JobTimeoutError(
                    f"expected job {job_id} to end within {timeout_s:g} s, it is {snapshot.job.status}"
                )
            await self._connection.transport.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    async def events(self, job_id: int) -> AsyncGenerator[Snapshot, None]:
        """The job and its videos, now and after each change, until the job has ended.

        Connections that break are made anew; what changed meanwhile comes as one change. Raises
        ConnectionLostError if that does not help.
        """
        seen: Snapshot | None = None
        # Whoever stops listening closes the connection too.
        async with aclosing(self._reconnected_events(job_id)) as snapshots:
            async for snapshot in snapshots:
                if snapshot != seen:
                    seen = snapshot
                    yield snapshot
                if snapshot.job.is_final:
                    return

    async def _reconnected_events(self, job_id: int) -> AsyncGenerator[Snapshot, None]:
        """Each connection begins with the job as it is then."""
        request = Request("GET", f"/job/{job_id}/events", headers={"accept": "text/event-stream"})
        fruitless = 0
        while fruitless <= _RECONNECTIONS:
            fruitless += 1
            try:
                async with aclosing(self._connected_events(request)) as snapshots:
                    async for snapshot in snapshots:
                        fruitless = 0
                        yield snapshot
            except MareyError as error:
                if fruitless > _RECONNECTIONS or not may_repeat(request, error):
                    raise
            await self._connection.transport.sleep(_LONGEST_PAUSE_S)
        raise ConnectionLostError(f"expected events of job {job_id}, {fruitless} connections brought none")

    async def _connected_events(self, request: Request) -> AsyncGenerator[Snapshot, None]:
        reader = EventReader()
        async with self._connection.stream(request) as answer:
            async for piece in answer.pieces():
                for data in reader.feed(piece):
                    yield self._connection.decode(data, Snapshot)

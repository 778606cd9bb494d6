"""Jobs and videos as their users see them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from biomechanics.summary import FailedRange
from core.errors import ConflictError, InvalidParameterError, NotFoundError
from core.jobs import JobStatus, Tier, VideoStatus
from orchestrator.parameters import lever_parameters, resolve_parameters
from orchestrator.store.admission import admit_job
from orchestrator.store.database import Database, Session
from orchestrator.store.tenants import Tenant, TenantDatabase

_NEWEST = 2**63 - 1
_REOPEN = ("reopen_batches", "drop_collections", "reopen_videos", "revive_tasks")
"""What a redrive does to a job's parts, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a user asks for. Project, tier and default parameters follow from the user's group."""

    pipeline_name: str
    input_key: str
    """Object key of the uploaded package."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    input_bytes: int = 0
    """Size of the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """A job."""

    id: int
    status: JobStatus
    error_code: str | None
    error_message: str | None
    pipeline_name: str
    project_id: int
    tier: Tier
    input_key: str
    parameters: dict[str, object]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    videos_total: int
    videos_done: int
    """Videos that are over, with or without results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoView:
    """A video of a job."""

    id: int
    job_id: int
    name: str
    status: VideoStatus
    error_code: str | None
    error_message: str | None
    """On a completed video: what is missing from its results."""
    frames_total: int
    frames_done: int
    """Frames that were inferred or are known to be missing."""
    frames_missing: int
    results_path: str
    """Prefix of the object keys of the results."""
    summary: dict[str, object] | None
    failed_ranges: tuple[FailedRange, ...] = ()
    """Frames that were given up, and why."""

    @property
    def progress(self) -> float:
        """Share of the frames that are done, 0 to 1; 1 for a video that is over."""
        if self.status.is_final:
            return 1.0
        return self.frames_done / self.frames_total if self.frames_total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defaults:
    user_id: int
    project_id: int
    tier: Tier
    pipeline_id: int | None
    pipeline_parameter_set_id: int
    parameters: dict[str, object]
    levers: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    name: str


class JobStore:
    """Makes jobs and tells how they are doing, for one tenant at a time.

    A job that a tenant may not see is not there: NotFoundError.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, tenant: Tenant, request: JobRequest) -> int:
        """Write the job and its first task in one transaction; return the job's id.

        Raises InvalidParameterError for an unknown pipeline or parameter, NotFoundError for an unknown user,
        QuotaExceededError if the project has enough under way.
        """
        async with self._as(tenant).transaction() as session:
            defaults = await _defaults(session, tenant, request)
            usual = {**lever_parameters(defaults.levers), **defaults.parameters}
            parameters = resolve_parameters(usual, request.parameters)
            await admit_job(session, tenant, request.input_bytes)
            made = await session.row(
                _Id,
                "insert_job",
                defaults.user_id,
                defaults.project_id,
                defaults.pipeline_id,
                defaults.pipeline_parameter_set_id,
                defaults.tier,
                parameters,
                request.input_key,
                request.input_bytes,
            )
        assert made is not None
        return made.id

    async def job(self, tenant: Tenant, job_id: int) -> JobView:
        """Raises NotFoundError."""
        view = await self._as(tenant).row(JobView, "job_view", tenant.project_id, job_id)
        if view is None:
            raise NotFoundError(f"there is no job {job_id}")
        return view

    async def videos(self, tenant: Tenant, job_id: int) -> list[VideoView]:
        """The videos of a job in the order of its package; none before the package is unpacked."""
        return await self._as(tenant).rows(VideoView, "video_views", tenant.project_id, job_id)

    async def latest(self, tenant: Tenant, limit: int = 50, before_id: int | None = None) -> list[JobView]:
        """Jobs, newest first; `before_id` continues a list after its last id."""
        arguments = tenant.project_id, limit, before_id or _NEWEST
        return await self._as(tenant).rows(JobView, "job_views", *arguments)

    async def cancel(self, tenant: Tenant, job_id: int) -> JobView:
        """End a job now: nothing of it is begun any more, and what is under way loses its lease.

        Cancelling twice does no harm. Raises NotFoundError, ConflictError if the job has ended otherwise.
        """
        async with self._as(tenant).transaction() as session:
            await _require(session, tenant, job_id)
            # In the order in which commits lock; tasks that they made due meanwhile are seen the next time.
            is_seen = True
            while is_seen:
                is_seen = bool(await session.execute("cancel_tasks", job_id))
                for name in ("cancel_batches", "cancel_videos", "cancel_job"):
                    await session.execute(name, job_id)
        job = await self.job(tenant, job_id)
        if job.status is not JobStatus.CANCELLED:
            raise ConflictError(
                f"job {job_id}: expected one that has not ended, got one that is {job.status}"
            )
        return job

    async def redrive(self, tenant: Tenant, job_id: int) -> JobView:
        """Work again on what was set aside after its attempts, and collect the results anew.

        Raises NotFoundError, ConflictError if the job runs or nothing of it was set aside.
        """
        async with self._as(tenant).transaction() as session:
            await _require(session, tenant, job_id)
            is_open = bool(await session.execute("reopen_job", job_id))
            if is_open:
                for name in _REOPEN:
                    await session.execute(name, job_id)
                await session.execute("recount_jobs", [job_id])
                await session.execute("collect_finished_jobs", job_id)
        job = await self.job(tenant, job_id)
        if not is_open:
            raise ConflictError(
                f"expected a job that has ended and of which work was set aside, job {job_id} is {job.status}"
            )
        return job

    def _as(self, tenant: Tenant) -> TenantDatabase:
        return TenantDatabase(self._database, tenant)


async def _require(session: Session, tenant: Tenant, job_id: int) -> None:
    if await session.row(_Id, "owned_job", tenant.project_id, job_id) is None:
        raise NotFoundError(f"there is no job {job_id}")


async def _defaults(session: Session, tenant: Tenant, request: JobRequest) -> _Defaults:
    row = await session.row(
        _Defaults, "job_defaults", tenant.project_id, tenant.user_id, request.pipeline_name
    )
    if row is None:
        raise NotFoundError(f"there is no user {tenant.user_id}")
    if row.pipeline_id is None:
        names = [pipeline.name for pipeline in await session.rows(_Name, "pipeline_names")]
        raise InvalidParameterError(f"pipeline: expected one of {names}, got {request.pipeline_name!r}")
    return row

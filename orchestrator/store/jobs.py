"""What users do with jobs."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from core.errors import ConflictError, IdempotencyKeyReusedError, InvalidParameterError, NotFoundError
from core.jobs import JobStatus, Tier
from orchestrator.parameters import JobParameters, lever_parameters, resolve_parameters
from orchestrator.refusals import shown
from orchestrator.store.admission import admit_job
from orchestrator.store.database import Database, Session
from orchestrator.store.owners import FoundOwner, owner_of
from orchestrator.store.tenants import Tenant, TenantDatabase
from orchestrator.store.views import JobSnapshot, JobView

T = TypeVar("T")
_REOPEN = ("reopen_batches", "drop_collections", "reopen_videos", "revive_tasks")
"""What a redrive does to a job's parts, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a user asks for. Project and tier follow from the user's group."""

    pipeline_name: str
    input_key: str
    """Object key of the uploaded package."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    pipeline_parameter_set_id: int | None = None
    """Of the parameters that are not given; None: that of the user's group."""
    input_bytes: int = 0
    """Size of the package."""
    idempotency_key: str | None = None
    """A second request with this key makes no second job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTerms:
    """How a request would be worked on."""

    tier: Tier
    parameters: JobParameters
    cluster_url: str | None
    """The Triton of the project; None: the installation's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Defaults:
    user_id: int
    project_id: int
    tier: Tier
    pipeline_id: int | None
    pipeline_parameter_set_id: int | None
    parameters: dict[str, object]
    levers: dict[str, object]
    cluster_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _MadeBefore:
    id: int
    idempotency_digest: bytes


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

        A repeated request with the same idempotency key returns the id that it returned before. Raises
        InvalidParameterError for an unknown pipeline or parameter, NotFoundError for an unknown user or set,
        QuotaExceededError if the project has enough under way, IdempotencyKeyReusedError if the key came with
        another request.
        """
        async with self._as(tenant).transaction() as session:
            made = await _made_before(session, tenant, request) or await _make(session, tenant, request)
            # None: another request with this key came first, just now.
            made = made or await _made_before(session, tenant, request)
        assert made is not None
        return made

    async def owner(self, tenant: Tenant, user_id: int | None, project_id: int | None) -> Tenant:
        """Whose job it becomes that `tenant` starts for this user and project; None: his own.

        Raises NotFoundError, ForbiddenError, InvalidParameterError for a user of another project.
        """
        asked_id = tenant.user_id if user_id is None else user_id
        if (asked_id, project_id) in ((tenant.user_id, None), (tenant.user_id, tenant.project_id)):
            return tenant
        arguments = (tenant.project_id, tenant.is_admin, asked_id, project_id)
        found = await self._as(tenant).row(FoundOwner, "job_owner", *arguments)
        assert found is not None
        return owner_of(tenant, asked_id, project_id, found)

    async def terms(self, tenant: Tenant, pipeline_name: str, requested: Mapping[str, object]) -> JobTerms:
        """Those of a job of this request. Raises InvalidParameterError, NotFoundError for an unknown user."""
        async with self._as(tenant).transaction() as session:
            defaults = await _defaults(session, tenant, pipeline_name, None)
        parameters = _resolved(defaults, requested)
        return JobTerms(tier=defaults.tier, parameters=parameters, cluster_url=defaults.cluster_url)

    async def job(self, tenant: Tenant, job_id: int) -> JobView:
        """Raises NotFoundError."""
        view = await self._as(tenant).row(JobView, "job_view", tenant.project_id, job_id)
        return _found(view, job_id)

    async def snapshot(self, tenant: Tenant, job_id: int) -> JobSnapshot:
        """The job with its videos. Raises NotFoundError."""
        view = await self._as(tenant).row(JobSnapshot, "job_snapshot", tenant.project_id, job_id)
        return _found(view, job_id)

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


async def _make(session: Session, tenant: Tenant, request: JobRequest) -> int | None:
    """The new job's id; None if there is one of its idempotency key."""
    defaults = await _defaults(session, tenant, request.pipeline_name, request.pipeline_parameter_set_id)
    parameters = _resolved(defaults, request.parameters)
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
        request.idempotency_key,
        _digest(tenant, request),
    )
    return made.id if made else None


async def _made_before(session: Session, tenant: Tenant, request: JobRequest) -> int | None:
    """The job that a request with this key made. Raises IdempotencyKeyReusedError if it was another one."""
    if request.idempotency_key is None:
        return None
    made = await session.row(_MadeBefore, "job_of_key", tenant.project_id, request.idempotency_key)
    if made is not None and made.idempotency_digest != _digest(tenant, request):
        raise IdempotencyKeyReusedError
    return made.id if made else None


def _digest(tenant: Tenant, request: JobRequest) -> bytes:
    """Equal for equal requests; 16 bytes."""
    said = [
        request.pipeline_name, request.input_key, request.parameters, tenant.user_id,
        request.pipeline_parameter_set_id,
    ]  # fmt: skip
    return hashlib.blake2b(msgspec.json.encode(said, order="deterministic"), digest_size=16).digest()


async def _require(session: Session, tenant: Tenant, job_id: int) -> None:
    _found(await session.row(_Id, "owned_job", tenant.project_id, job_id), job_id)


def _found(row: T | None, job_id: int) -> T:
    if row is None:
        raise NotFoundError(f"there is no job {job_id}")
    return row


def _resolved(defaults: _Defaults, requested: Mapping[str, object]) -> JobParameters:
    return resolve_parameters({**lever_parameters(defaults.levers), **defaults.parameters}, requested)


async def _defaults(
    session: Session, tenant: Tenant, pipeline_name: str, parameter_set_id: int | None
) -> _Defaults:
    arguments = (tenant.project_id, tenant.user_id, pipeline_name, parameter_set_id, tenant.is_admin)
    row = await session.row(_Defaults, "job_defaults", *arguments)
    if row is None:
        raise NotFoundError(f"there is no user {tenant.user_id}")
    if row.pipeline_parameter_set_id is None:
        raise NotFoundError(f"there is no pipeline_parameter_set {parameter_set_id}")
    if row.pipeline_id is None:
        names = ", ".join(pipeline.name for pipeline in await session.rows(_Name, "pipeline_names"))
        raise InvalidParameterError(f"pipeline: expected one of {names}, got {shown(pipeline_name)}")
    return row

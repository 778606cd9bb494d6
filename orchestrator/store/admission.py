"""The quotas of projects and what they use."""

from dataclasses import dataclass

import msgspec

from orchestrator.admission import Quotas, Usage, over_quota, refuse, too_fast
from orchestrator.store.database import Database, Session
from orchestrator.store.tenants import Tenant, TenantDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quotas:
    quotas: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bucket:
    tokens: float


class AdmissionStore:
    """Counts what projects start."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_start(self, tenant: Tenant) -> None:
        """Count an upload ticket, a job or a redrive. Raises RateLimitedError."""
        async with TenantDatabase(self._database, tenant).transaction() as session:
            quotas = await _quotas(session, tenant)
            bucket = await session.row(
                _Bucket, "refill_bucket", tenant.project_id, quotas.starts_per_s, quotas.starts_burst
            )
            assert bucket is not None
            refuse(too_fast(quotas, bucket.tokens))
            await session.execute("spend_token", tenant.project_id)


async def admit_job(session: Session, tenant: Tenant, input_bytes: int) -> None:
    """Raise QuotaExceededError if the project has enough. Others wait until the transaction ends."""
    quotas = await _quotas(session, tenant)
    await session.execute("lock_bucket", tenant.project_id)
    usage = await session.row(Usage, "project_usage", tenant.project_id)
    assert usage is not None
    refuse(over_quota(quotas, usage, input_bytes))


async def _quotas(session: Session, tenant: Tenant) -> Quotas:
    row = await session.row(_Quotas, "project_quotas", tenant.project_id)
    return msgspec.convert(row.quotas if row else {}, Quotas)

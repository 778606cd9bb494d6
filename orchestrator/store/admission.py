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


_ALMOST_ONE = 0.999


class AdmissionStore:
    """Counts what projects start."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_start(self, tenant: Tenant) -> None:
        """Count an upload ticket, a job or a redrive. Raises RateLimitedError."""
        database = TenantDatabase(self._database, tenant)
        usual = Quotas()
        async with database.transaction() as session:
            arguments = tenant.project_id, usual.starts_per_s, usual.starts_burst
            if await session.row(_Bucket, "spend_token", *arguments):
                return
        quotas = _quotas(await database.row(_Quotas, "project_quotas", tenant.project_id))
        bucket = await database.row(_Bucket, "bucket_tokens", tenant.project_id, quotas.starts_per_s)
        tokens = bucket.tokens if bucket else 0.0
        # It may have gained the token since.
        refuse(too_fast(quotas, min(tokens, _ALMOST_ONE)))


async def admit_job(session: Session, tenant: Tenant, input_bytes: int) -> None:
    """Raise QuotaExceededError if the project has enough. Others wait until the transaction ends."""
    quotas = _quotas(await session.row(_Quotas, "lock_quotas", tenant.project_id))
    usage = await session.row(Usage, "project_usage", tenant.project_id)
    assert usage is not None
    refuse(over_quota(quotas, usage, input_bytes))


def _quotas(row: _Quotas | None) -> Quotas:
    return msgspec.convert(row.quotas if row else {}, Quotas)

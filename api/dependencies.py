"""What handlers ask for by name. Made once, by `create_app`, but for the tenant, whom each request names."""

import asyncio

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.accounts.service import Accounts
from api.health.service import Readiness
from api.jobs.service import Jobs
from api.metrics.service import HttpMetrics
from api.results.service import Results
from api.uploads.service import Uploads
from orchestrator.store import Catalogue, Tenant

TenantDep = NamedDependency[SkipValidation[Tenant]]
AccountsDep = NamedDependency[SkipValidation[Accounts]]
CatalogueDep = NamedDependency[SkipValidation[Catalogue]]
StoppingDep = NamedDependency[SkipValidation[asyncio.Event]]
JobsDep = NamedDependency[SkipValidation[Jobs]]
UploadsDep = NamedDependency[SkipValidation[Uploads]]
ResultsDep = NamedDependency[SkipValidation[Results]]
HttpMetricsDep = NamedDependency[SkipValidation[HttpMetrics]]
ReadinessDep = NamedDependency[SkipValidation[Readiness]]

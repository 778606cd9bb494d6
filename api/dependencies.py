"""What handlers ask for by name. Made once, by `create_app`.

More than one in a handler costs a request as much as all else that the framework does.
"""

import asyncio

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.accounts.service import Accounts
from api.health.service import Readiness
from api.jobs.service import Jobs
from api.metrics.service import HttpMetrics
from api.results.service import Results
from api.uploads.service import Uploads
from orchestrator.store import Catalogue

AccountsDep = NamedDependency[SkipValidation[Accounts]]
CatalogueDep = NamedDependency[SkipValidation[Catalogue]]
ClusterUrlsDep = NamedDependency[SkipValidation[frozenset[str]]]
StoppingDep = NamedDependency[SkipValidation[asyncio.Event]]
JobsDep = NamedDependency[SkipValidation[Jobs]]
UploadsDep = NamedDependency[SkipValidation[Uploads]]
ResultsDep = NamedDependency[SkipValidation[Results]]
HttpMetricsDep = NamedDependency[SkipValidation[HttpMetrics]]
ReadinessDep = NamedDependency[SkipValidation[Readiness]]

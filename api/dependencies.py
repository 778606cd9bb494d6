"""Everything that the handlers use, and where a request finds it.

Not dependencies of the framework, which makes a group of tasks and a stack to leave for each request.
"""

import asyncio
from dataclasses import dataclass

from litestar.types import Scope

from api.accounts.service import Accounts
from api.admission import Admission
from api.health.service import Readiness
from api.jobs.service import Jobs
from api.metrics.service import HttpMetrics
from api.poses.analysis import Analyses
from api.poses.service import Poses
from api.results.service import Results
from api.uploads.service import Uploads
from orchestrator.store import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the handlers use, opened once."""

    accounts: Accounts
    admission: Admission
    catalogue: Catalogue
    cluster_urls: frozenset[str]
    """The Tritons that projects may run on."""
    jobs: Jobs
    uploads: Uploads
    results: Results
    poses: Poses
    analyses: Analyses
    readiness: Readiness
    http_metrics: HttpMetrics
    stopping: asyncio.Event
    """Set when the server begins to stop: what would go on for long ends."""


def services_of(scope: Scope) -> Services:
    """Those of the application that the request is for."""
    services = scope["litestar_app"].state.services
    assert isinstance(services, Services)
    return services

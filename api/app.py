"""The REST application."""

import asyncio
from dataclasses import dataclass
from importlib.metadata import version

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from api.accounts.controller import api_key_router
from api.accounts.service import Accounts
from api.admission import Admission
from api.bodies import StrictRequest
from api.catalogue.controller import catalogue_routers
from api.description import complete
from api.docs.plugin import PagePlugin, docs_router
from api.errors import on_http_exception, on_marey_error, on_recursion, on_unexpected
from api.gate import gate
from api.health.controller import HealthController
from api.health.service import Readiness
from api.jobs.controller import JobController
from api.jobs.service import Jobs
from api.metrics.controller import MetricsController
from api.metrics.service import HttpMetrics
from api.poses.analysis import Analyses
from api.poses.service import Poses
from api.requests import observed
from api.results.controller import DownloadController, ResultController
from api.results.service import Results
from api.uploads.controller import UploadController
from api.uploads.service import Uploads
from core.errors import MareyError
from orchestrator.store import Catalogue

MAX_BODY_BYTES = 1 << 20
"""Largest body of a request that is not an upload."""


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


def create_app(services: Services) -> ASGIApp:
    """The application over open services, which the caller closes."""
    app = Litestar(
        route_handlers=[
            UploadController,
            JobController,
            ResultController,
            DownloadController,
            HealthController,
            MetricsController,
            api_key_router,
            *catalogue_routers,
        ],
        dependencies={
            "accounts": _provided(services.accounts),
            "catalogue": _provided(services.catalogue),
            "cluster_urls": _provided(services.cluster_urls),
            "jobs": _provided(services.jobs),
            "uploads": _provided(services.uploads),
            "results": _provided(services.results),
            "readiness": _provided(services.readiness),
            "http_metrics": _provided(services.http_metrics),
            "stopping": _provided(services.stopping),
        },
        exception_handlers={
            MareyError: on_marey_error,
            HTTPException: on_http_exception,
            RecursionError: on_recursion,
            Exception: on_unexpected,
        },
        before_request=gate(services.accounts, services.admission),
        request_class=StrictRequest,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=_openapi(),
        logging_config=None,
        debug=False,
    )
    complete(app.openapi_schema)
    return observed(app, services.http_metrics)


def _openapi() -> OpenAPIConfig:
    """The description at /docs, which needs no key; everything that it describes but a few does."""
    key = SecurityScheme(type="http", scheme="bearer", description="An API key: `mry_...`")
    return OpenAPIConfig(
        title="Marey",
        version=version("marey-server"),
        components=Components(security_schemes={"api_key": key}),
        security=[{"api_key": []}],
        render_plugins=[PagePlugin()],
        openapi_router=docs_router(),
    )


def _provided(service: object) -> Provide:
    return Provide(lambda: service, sync_to_thread=False)

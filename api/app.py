"""The REST application."""

from importlib.metadata import version

from litestar import Litestar
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ASGIApp

from api.accounts.controller import api_key_router
from api.bodies import StrictRequest
from api.catalogue.controller import catalogue_routers
from api.dependencies import Services
from api.description import complete
from api.docs.plugin import PagePlugin, docs_router
from api.errors import on_http_exception, on_marey_error, on_recursion, on_unexpected
from api.gate import gate
from api.health.controller import HealthController
from api.jobs.controller import JobController
from api.metrics.controller import MetricsController
from api.requests import observed
from api.results.controller import DownloadController, ResultController
from api.uploads.controller import UploadController
from core.errors import MareyError

MAX_BODY_BYTES = 1 << 20
"""Largest body of a request that is not an upload."""


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
    app.state.services = services
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
        use_handler_docstrings=True,
        render_plugins=[PagePlugin()],
        openapi_router=docs_router(),
    )

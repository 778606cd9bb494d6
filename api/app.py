"""The REST application."""

from dataclasses import dataclass
from importlib.metadata import version

from litestar import Litestar
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig

from api.errors import on_http_exception, on_marey_error, on_recursion, on_unexpected
from api.health.controller import HealthController
from api.health.service import Readiness
from api.jobs.controller import JobController
from api.jobs.service import Jobs
from api.requests import finish_response
from api.results.controller import ResultController
from api.results.service import Results
from api.uploads.controller import UploadController
from api.uploads.service import Uploads
from core.errors import MareyError

MAX_BODY_BYTES = 1 << 20
"""Largest body of a request that is not an upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that the handlers use, opened once."""

    jobs: Jobs
    uploads: Uploads
    results: Results
    readiness: Readiness


def create_app(services: Services) -> Litestar:
    """The application over open services, which the caller closes."""
    return Litestar(
        route_handlers=[UploadController, JobController, ResultController, HealthController],
        dependencies={
            "jobs": _provided(services.jobs),
            "uploads": _provided(services.uploads),
            "results": _provided(services.results),
            "readiness": _provided(services.readiness),
        },
        exception_handlers={
            MareyError: on_marey_error,
            HTTPException: on_http_exception,
            RecursionError: on_recursion,
            Exception: on_unexpected,
        },
        before_send=[finish_response],
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=OpenAPIConfig(title="Marey", version=version("marey-server"), path="/docs"),
        logging_config=None,
        debug=False,
    )


def _provided(service: object) -> Provide:
    return Provide(lambda: service, sync_to_thread=False)

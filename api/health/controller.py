"""GET /health/live and /health/ready."""

from http import HTTPStatus

from litestar import Controller, Response, get
from litestar.types import Scope

from api.accounts.roles import NO_KEY, PUBLIC
from api.dependencies import services_of
from api.errors import PROBLEM_JSON, retry_after
from api.health.schemas import Live, NotReady, Ready
from api.requests import request_id_of
from core.errors import NotReadyError


class HealthController(Controller):
    """For load balancers and for people who wonder."""

    path = "/health"
    opt = PUBLIC
    security = NO_KEY
    tags = ("health",)

    @get("/live", sync_to_thread=False)
    def live(self) -> Live:
        """The API's process answers."""
        return Live()

    @get("/ready")
    async def ready(self, scope: Scope) -> Response[Ready] | Response[NotReady]:
        """Postgres, NATS and Triton do their work; 503 names those that do not."""
        checks = await services_of(scope).readiness.report()
        if set(checks.values()) <= {"ok"}:
            return Response(Ready(checks=checks))
        return _not_ready(checks, request_id_of(scope))


def _not_ready(checks: dict[str, str], request_id: str) -> Response[NotReady]:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    failed = ", ".join(f"{name} ({state})" for name, state in checks.items() if state != "ok")
    body = NotReady(
        title=status.phrase,
        status=status.value,
        detail=f"expected every service to answer, these do not: {failed}",
        code="not_ready",
        request_id=request_id,
        checks=checks,
    )
    return Response(
        body,
        status_code=status.value,
        media_type=PROBLEM_JSON,
        headers={"Retry-After": retry_after(NotReadyError.retry_after_s)},
    )

"""GET /metrics: of this API's process, for Prometheus with an administrator's key."""

from litestar import Controller, MediaType, Response, get
from litestar.types import Scope

from api.accounts.roles import ADMIN
from api.dependencies import services_of
from api.metrics.service import CONTENT_TYPE


class MetricsController(Controller):
    """They tell what all projects do together, so members do not read them."""

    path = "/metrics"
    tags = ("metrics",)
    opt = ADMIN

    @get(media_type=MediaType.TEXT)
    async def read(self, scope: Scope) -> Response[bytes]:
        """Figures in Prometheus' text format; administrators only. Asks the services, too."""
        services = services_of(scope)
        services.http_metrics.show_ready(await services.readiness.report())
        return Response(services.http_metrics.text(), headers={"Content-Type": CONTENT_TYPE})

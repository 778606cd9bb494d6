"""What a request passes before its handler: whose key it brings, and whether new work is taken.

Not a guard of the framework, which copies the handler for each guard of each request, nor a middleware, which
comes with a second handler of errors.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request
from litestar.types import Scope

from api.accounts.service import Accounts
from api.accounts.tenants import remember_tenant
from api.admission import Admission
from core.errors import ForbiddenError

Check = Callable[[Request[Any, Any, Any]], Awaitable[None]]


def gate(accounts: Accounts, admission: Admission) -> Check:
    """Every route needs a key unless it says that it is public.

    Raises UnauthenticatedError, ForbiddenError, and for a route that begins something new NotReadyError,
    StorageFullError, RateLimitedError.
    """

    async def check(request: Request[Any, Any, Any]) -> None:
        scope, options = request.scope, request.route_handler.opt
        if options.get("public"):
            return
        tenant = await accounts.tenant(_authorization(scope))
        if options.get("admin") and not tenant.is_admin:
            raise ForbiddenError
        remember_tenant(scope, tenant)
        if options.get("starts_work"):
            await admission.start(tenant)

    return check


def _authorization(scope: Scope) -> str | None:
    given = (value for name, value in scope["headers"] if name == b"authorization")
    return next((value.decode("latin-1") for value in given), None)

"""Who may do what: every route needs a key unless it says that it is public."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import AsyncAnyCallable, Scope

from api.accounts.service import Accounts
from core.errors import ForbiddenError
from orchestrator.store import Tenant

PUBLIC = {"public": True}
"""Options of a route that needs no key."""
NO_KEY: tuple[dict[str, list[str]], ...] = ({},)
"""The same, in the description of the API."""
ADMIN = {"admin": True}
"""Options of a route for administrators."""
_STATE_KEY = "tenant"


def key_guard(accounts: Accounts) -> AsyncAnyCallable:
    """A guard that finds out who asks. Raises UnauthenticatedError, ForbiddenError."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if handler.opt.get("public"):
            return
        tenant = await accounts.tenant(connection.headers.get("authorization"))
        if handler.opt.get("admin") and not tenant.is_admin:
            raise ForbiddenError
        state: dict[str, object] = connection.scope["state"]
        state[_STATE_KEY] = tenant

    return guard


async def tenant_of(scope: Scope) -> Tenant:
    """Who asks, once the guard knows."""
    tenant = scope["state"][_STATE_KEY]
    assert isinstance(tenant, Tenant)
    return tenant

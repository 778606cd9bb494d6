"""Who may do what: every route needs a key unless it says that it is public."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.types import AsyncAnyCallable

from api.accounts.service import Accounts
from api.accounts.tenants import remember_tenant
from core.errors import ForbiddenError


def key_guard(accounts: Accounts) -> AsyncAnyCallable:
    """A guard that finds out who asks. Raises UnauthenticatedError, ForbiddenError."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        if handler.opt.get("public"):
            return
        tenant = await accounts.tenant(connection.headers.get("authorization"))
        if handler.opt.get("admin") and not tenant.is_admin:
            raise ForbiddenError
        remember_tenant(connection.scope, tenant)

    return guard

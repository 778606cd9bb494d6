"""Request ids, in and out, and a log line and a count per request."""

import logging
import re
import secrets
import time

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, BeforeMessageSendHookHandler, Message, Receive, Scope, Send

from api.accounts.tenants import known_tenant
from api.metrics.service import HttpMetrics

HEADER = "X-Request-ID"
_HEADER = HEADER.lower().encode()
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STATE_KEY = "request_id"
_STARTED_KEY = "started_s"
_OUTCOMES = {1: "ok", 2: "ok", 3: "ok", 4: "refused", 5: "failed"}

logger = logging.getLogger(__name__)


def request_id_of(scope: Scope) -> str:
    """The client's id if it is well formed, else a new one; the same for the whole request."""
    state: dict[str, object] = scope["state"]
    known = state.get(_STATE_KEY)
    if isinstance(known, str):
        return known
    given = next((value for name, value in scope["headers"] if name == _HEADER), b"")
    state[_STATE_KEY] = request_id = accepted_id(given.decode("latin-1"))
    return request_id


def accepted_id(given: str) -> str:
    """The client's id if it is well formed, else a new one."""
    return given if _ACCEPTED.fullmatch(given) else secrets.token_hex(16)


def timed(app: ASGIApp) -> ASGIApp:
    """Note when each request began."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, object] = scope["state"]
        state[_STARTED_KEY] = time.monotonic()
        await app(scope, receive, send)

    return run


def response_finisher(metrics: HttpMetrics) -> BeforeMessageSendHookHandler:
    """Gives each response its request id, counts it and logs it."""

    async def finish(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
            return
        headers = MutableScopeHeaders(message)
        headers[HEADER] = request_id_of(scope)
        if scope["method"] == "OPTIONS" and "allow" in headers:
            headers["Allow"] = _methods(scope)
        duration_s = time.monotonic() - scope["state"].get(_STARTED_KEY, time.monotonic())
        method, route, status = scope["method"], scope.get("path_template", "unknown"), message["status"]
        metrics.count_request(method, route, status, duration_s)
        fields = {
            "action": "request",
            "request_id": request_id_of(scope),
            "status": status,
            "outcome": _OUTCOMES[status // 100],
            "duration_s": round(duration_s, 4),
        }
        logger.info("%s %s %d", method, route, status, extra={**fields, **_who(scope), **_whats(scope)})

    return finish


def _methods(scope: Scope) -> str:
    """All methods of a path; the framework's answer has the first one only, where handlers share a path."""
    template = scope.get("path_template")
    routes = [route for route in scope["litestar_app"].routes if route.path_format == template]
    return ", ".join(sorted({method for route in routes for method in getattr(route, "methods", ())}))


def _who(scope: Scope) -> dict[str, int]:
    tenant = known_tenant(scope)
    return {} if tenant is None else {"user_id": tenant.user_id, "project_id": tenant.project_id}


def _whats(scope: Scope) -> dict[str, int]:
    """The ids in the path; what else is in a path may be a token."""
    found: dict[str, object] = dict(scope.get("path_params", {}))
    return {name: value for name, value in found.items() if isinstance(value, int)}

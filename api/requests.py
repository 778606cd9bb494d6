"""Request ids, in and out, and a log line and a count per request."""

import logging
import re
import secrets
import time
from collections.abc import Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from api.accounts.tenants import known_tenant
from api.metrics.service import HttpMetrics

_HEADER = b"x-request-id"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STATE_KEY = "request_id"
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


def observed(app: ASGIApp, metrics: HttpMetrics) -> ASGIApp:
    """The application, with a request id on each answer, which is counted and logged.

    Around the framework and not a hook of it, which costs a request more than this does.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        http = scope
        started_s = time.monotonic()

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                _finish(message, http, time.monotonic() - started_s, metrics)
            await send(message)

        await app(scope, receive, finish)

    return run


def _finish(
    message: HTTPResponseStartEvent, scope: HTTPScope, duration_s: float, metrics: HttpMetrics
) -> None:
    request_id = request_id_of(scope)
    message["headers"] = [*message["headers"], (_HEADER, request_id.encode())]
    if scope["method"] == "OPTIONS":
        _allow_all_methods(message, scope)
    method, route, status = scope["method"], scope.get("path_template", "unknown"), message["status"]
    metrics.count_request(method, route, status, duration_s)
    fields = {
        "action": "request",
        "request_id": request_id,
        "status": status,
        "outcome": _OUTCOMES[status // 100],
        "duration_s": round(duration_s, 4),
        **_who(scope),
        **_whats(scope),
    }
    logger.info("%s %s %d", method, route, status, extra=fields)


def _allow_all_methods(message: HTTPResponseStartEvent, scope: Scope) -> None:
    """The framework's answer has those of the first handler only, where several share a path."""
    headers = MutableScopeHeaders(message)
    if "allow" not in headers:
        return
    template = scope.get("path_template")
    routes = [route for route in scope["litestar_app"].routes if route.path_format == template]
    headers["Allow"] = ", ".join(
        sorted({method for route in routes for method in getattr(route, "methods", ())})
    )


def _who(scope: Scope) -> dict[str, int]:
    tenant = known_tenant(scope)
    return {} if tenant is None else {"user_id": tenant.user_id, "project_id": tenant.project_id}


def _whats(scope: Scope) -> dict[str, int]:
    """The ids in the path; what else is in a path may be a token."""
    found: Mapping[str, object] = scope.get("path_params", {})
    return {name: value for name, value in found.items() if isinstance(value, int)}

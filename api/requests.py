"""Request ids, in and out, and a log line per request."""

import logging
import re
import time
import uuid

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts.tenants import known_tenant

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STATE_KEY = "request_id"
_STARTED_KEY = "started_s"

logger = logging.getLogger(__name__)


def request_id_of(scope: Scope) -> str:
    """The client's id if it is well formed, else a new one; the same for the whole request."""
    state: dict[str, object] = scope["state"]
    known = state.get(_STATE_KEY)
    if isinstance(known, str):
        return known
    given = Headers.from_scope(scope).get(HEADER, "")
    request_id = given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex
    state[_STATE_KEY] = request_id
    return request_id


def timed(app: ASGIApp) -> ASGIApp:
    """Note when each request began."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, object] = scope["state"]
        state[_STARTED_KEY] = time.monotonic()
        await app(scope, receive, send)

    return run


async def finish_response(message: Message, scope: Scope) -> None:
    """Give the response its request id and log it. Paths are told as templates: some hold tokens."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    request_id = request_id_of(scope)
    MutableScopeHeaders(message)[HEADER] = request_id
    duration_s = time.monotonic() - scope["state"].get(_STARTED_KEY, time.monotonic())
    logger.info(
        "%s %s %d",
        scope["method"],
        scope.get("path_template", "unknown"),
        message["status"],
        extra={
            "action": "request",
            "request_id": request_id,
            "status": message["status"],
            "duration_ms": round(duration_s * 1000, 1),
            **_who(scope),
        },
    )


def _who(scope: Scope) -> dict[str, int]:
    tenant = known_tenant(scope)
    return {} if tenant is None else {"user_id": tenant.user_id, "project_id": tenant.project_id}

"""Request ids, in and out, and a log line per request."""

import logging
import re
import uuid

from litestar.datastructures import Headers, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import Message, Scope

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_STATE_KEY = "request_id"

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


async def finish_response(message: Message, scope: Scope) -> None:
    """Give the response its request id and log it. Paths are logged as templates: some hold tokens."""
    if message["type"] != "http.response.start" or scope["type"] != ScopeType.HTTP:
        return
    request_id = request_id_of(scope)
    MutableScopeHeaders(message)[HEADER] = request_id
    logger.info(
        "%s %s %d",
        scope["method"],
        scope.get("path_template", "unknown"),
        message["status"],
        extra={"action": "request", "request_id": request_id, "status": message["status"]},
    )

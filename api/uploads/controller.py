"""PUT /upload/{token} and the ticket for it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from litestar import Controller, Request, get, put
from litestar.exceptions import InternalServerException
from litestar.params import FromPath
from litestar.types import Scope

from api.accounts.roles import NO_KEY, PUBLIC
from api.accounts.tenants import tenant_of
from api.admission import STARTS_WORK
from api.dependencies import services_of
from api.uploads.schemas import UploadReceipt, UploadTicket
from core.errors import UploadIncompleteError


class UploadController(Controller):
    """Packages of videos on their way in."""

    tags = ("upload",)

    @get("/job/upload_handler", sync_to_thread=False, opt=STARTS_WORK)
    def issue(self, request: Request[Any, Any, Any], scope: Scope) -> UploadTicket:
        """Leave to upload one package, once, within a short time."""
        token, grant = services_of(scope).uploads.issue(tenant_of(scope))
        return UploadTicket(
            upload_url=f"{request.base_url}upload/{token}",
            input_key=grant.key,
            expires_at=datetime.fromtimestamp(grant.expires_at_s, UTC),
            max_bytes=grant.max_bytes,
        )

    @put("/upload/{token:str}", status_code=201, request_max_body_size=None, opt=PUBLIC, security=NO_KEY)
    async def receive(
        self, token: FromPath[str], request: Request[Any, Any, Any], scope: Scope
    ) -> UploadReceipt:
        """Take a zip. It becomes an input only if it arrives complete."""
        size_bytes = await services_of(scope).uploads.receive(token, _body(request), request.content_length)
        return UploadReceipt(size_bytes=size_bytes)


async def _body(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except InternalServerException as error:
        raise UploadIncompleteError from error

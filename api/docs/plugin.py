"""/docs: the page, and what a browser may do with it."""

import base64
import hashlib
from typing import Any

import msgspec
from litestar import Request, Router
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.serialization import encode_json

from api.accounts.roles import PUBLIC
from api.docs.page import STYLE, page

_STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}


class PagePlugin(OpenAPIRenderPlugin):
    """The framework's own pages load their scripts from elsewhere (ADR 13)."""

    def __init__(self) -> None:
        super().__init__(path="/")
        self._page: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page, made once: whoever has no key may ask for it, too."""
        if self._page is None:
            self._page = page(msgspec.json.decode(encode_json(openapi_schema))).encode()
        return self._page


def docs_router() -> Router:
    """Where the framework puts the page and `openapi.json`. They need no key."""
    return Router("/docs", route_handlers=[], opt=PUBLIC, include_in_schema=False, response_headers=_HEADERS)

"""Which server to talk to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from marey.errors import NoEndpointError


class StackFile(msgspec.Struct, frozen=True):
    """The part of `stack.json`, written by `marey up`, that a client needs."""

    api_url: str


def resolve_endpoint(given: str | None, environ: Mapping[str, str]) -> str:
    """`given`, else MAREY_ENDPOINT_URL, else the stack that runs in MAREY_HOME (default ~/.marey).

    Raises NoEndpointError if there is none.
    """
    if url := given or environ.get("MAREY_ENDPOINT_URL"):
        return _checked(url)
    home = Path(environ.get("MAREY_HOME") or Path.home() / ".marey")
    return _from_stack_file(home / "stack.json")


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise NoEndpointError(f"expected an endpoint that starts with http:// or https://, got {url!r}")
    return url.rstrip("/")


def _from_stack_file(path: Path) -> str:
    try:
        stack = msgspec.json.decode(path.read_bytes(), type=StackFile)
    except FileNotFoundError as error:
        raise NoEndpointError(
            "no Marey is running here: start one with `marey up`, or name a server with --endpoint-url "
            "or MAREY_ENDPOINT_URL"
        ) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise NoEndpointError(f"expected {path} to be written by `marey up`, got {error}") from error
    return _checked(stack.api_url)

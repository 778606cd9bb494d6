"""Which server to talk to, and with which key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from marey.errors import NoEndpointError
from marey.profiles import Profile, read_profile

_VARIABLES = ("MAREY_ENDPOINT_URL", "MAREY_API_KEY")


@dataclass(frozen=True)
class Endpoint:
    """A server, and the key for it; None: it will say that it wants one."""

    url: str
    api_key: str | None = field(default=None, repr=False)


class StackFile(msgspec.Struct, frozen=True):
    """The part of `stack.json`, written by `marey up`, that a client needs."""

    api_url: str


def resolve_endpoint(
    given_url: str | None, given_key: str | None, environ: Mapping[str, str], profile: str | None = None
) -> Endpoint:
    """The server: `given_url`, else that of `profile`, else MAREY_ENDPOINT_URL, else the profile's of
    MAREY_PROFILE or `default`, else the stack in MAREY_HOME (default ~/.marey).

    The key: `given_key`, else MAREY_API_KEY unless `profile` is given, else what the profile or the stack
    keeps for this very server: a kept key is never sent to another. Raises NoEndpointError if there is no
    server.
    """
    if profile is not None:
        # What is said here and now comes before what is set for everything.
        environ = {name: value for name, value in environ.items() if name not in _VARIABLES}
    url = given_url or environ.get("MAREY_ENDPOINT_URL")
    key = given_key or environ.get("MAREY_API_KEY")
    if url and key:
        return Endpoint(checked_url(url), key)
    known = _known(environ, profile)
    url = checked_url(url or _first(known))
    kept = next((endpoint.api_key for endpoint in known if endpoint.url == url), None)
    return Endpoint(url, key or kept)


def _known(environ: Mapping[str, str], name: str | None) -> list[Endpoint]:
    """The servers that this machine keeps a key for, the first choice first."""
    profile = read_profile(environ, name)
    known = [_of_profile(profile)] if profile else []
    home = Path(environ.get("MAREY_HOME") or Path.home() / ".marey")
    return [*known, _of_stack(home)] if (home / "stack.json").exists() else known


def _first(known: list[Endpoint]) -> str:
    if not known:
        raise NoEndpointError(
            "no Marey is running here: start one with `marey up`, or name a server with `marey configure`, "
            "--endpoint-url or MAREY_ENDPOINT_URL"
        )
    return known[0].url


def _of_profile(profile: Profile) -> Endpoint:
    return Endpoint(checked_url(profile.endpoint_url), profile.api_key)


def _of_stack(home: Path) -> Endpoint:
    path, key = home / "stack.json", home / "api-key"
    try:
        stack = msgspec.json.decode(path.read_bytes(), type=StackFile)
        return Endpoint(checked_url(stack.api_url), key.read_text().strip() if key.exists() else None)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise NoEndpointError(f"expected {path} to be written by `marey up`, got {error}") from error


def checked_url(url: str) -> str:
    """The address without a slash at its end. Raises NoEndpointError for one that is not HTTP."""
    if not url.startswith(("http://", "https://")):
        raise NoEndpointError(f"expected an endpoint that starts with http:// or https://, got {url!r}")
    return url.rstrip("/")

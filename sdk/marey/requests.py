"""What is asked of the server and what comes back, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import msgspec

from marey.errors import Problem

Value = TypeVar("Value")


@dataclass(frozen=True)
class Request:
    """One request; `content` makes a fresh body for each attempt."""

    method: str
    url: str
    """A path at the endpoint, or a whole address that the server gave."""
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Callable[[], bytes | AsyncIterator[bytes]] | None = None
    repeatable: bool = False
    """Sending it twice does what sending it once does. GET requests always are."""


def json_request(
    method: str,
    url: str,
    value: object,
    headers: Mapping[str, str] | None = None,
    *,
    repeatable: bool = False,
) -> Request:
    """A request with a JSON body."""
    body = msgspec.json.encode(value)
    headers = {"content-type": "application/json", **(headers or {})}
    return Request(method, url, headers=headers, content=lambda: body, repeatable=repeatable)


class Answer(Protocol):
    """A response whose body is still to come."""

    @property
    def status(self) -> int:
        """HTTP status."""

    def header(self, name: str) -> str | None:
        """The value of a header."""

    def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises ConnectionLostError."""

    async def close(self) -> None:
        """Leave the rest of the body."""


class Transport(Protocol):
    """All that touches the network, the clock and the disk. A blocking one never suspends its caller."""

    async def open(self, request: Request) -> Answer:
        """Send once. Raises CannotConnectError, ConnectionLostError."""

    async def sleep(self, pause_s: float) -> None:
        """Wait."""

    async def offload(self, work: Callable[[], Value]) -> Value:
        """Run work that blocks, such as reading a file, out of the way of everything else."""

    async def close(self) -> None:
        """Close the connections."""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 body of an error."""

    status: int
    code: str
    detail: str = ""
    title: str = ""
    request_id: str | None = None


def problem_of(status: int, content: bytes, retry_after: str | None = None) -> Problem:
    """The problem in the body, or one made up from the status if the body is not Marey's."""
    retry_after_s = _seconds(retry_after)
    try:
        body = msgspec.json.decode(content, type=ProblemBody)
    except msgspec.MsgspecError:
        detail = f"the server answered {status}"
        return Problem(status=status, code=f"http_{status}", detail=detail, retry_after_s=retry_after_s)
    return Problem(
        status=status,
        code=body.code,
        detail=body.detail or body.title,
        request_id=body.request_id,
        retry_after_s=retry_after_s,
    )


def _seconds(header: str | None) -> float | None:
    """The value of Retry-After, if it is a number."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None

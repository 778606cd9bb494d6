"""A server in memory for the client's unit tests: a function from request to answer."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from marey.connection import Connection
from marey.endpoint import Endpoint
from marey.errors import ConnectionLostError
from marey.operations import Operations
from marey.requests import Request
from marey.retry import RetryPolicy

Value = TypeVar("Value")
URL = "http://marey.example"


@dataclass(frozen=True)
class FakeAnswer:
    """A response; `breaks` cuts it off after its pieces."""

    status: int = 200
    body: tuple[bytes, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False
    closed: list[bool] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        return self.headers.get(name)

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in self.body:
            yield piece
        if self.breaks:
            raise ConnectionLostError("cut off")

    async def close(self) -> None:
        self.closed.append(True)


@dataclass
class FakeTransport:
    """Asks a function instead of a network, and passes time without waiting. Keeps what it was asked."""

    handle: Callable[[Request], FakeAnswer]
    requests: list[Request] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)

    async def open(self, request: Request) -> FakeAnswer:
        self.requests.append(request)
        return self.handle(request)

    async def sleep(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)

    async def offload(self, work: Callable[[], Value]) -> Value:
        return work()

    async def close(self) -> None:
        """Nothing is open."""


def operations(transport: FakeTransport, attempts: int = 5) -> Operations:
    """A client of the server in memory."""
    return Operations(Connection(Endpoint(URL, "the-key"), transport, RetryPolicy(attempts=attempts)))


def in_turn(*answers: FakeAnswer | Exception) -> Callable[[Request], FakeAnswer]:
    """One answer after the other, whatever is asked."""
    left: Iterator[FakeAnswer | Exception] = iter(answers)

    def handle(_: Request) -> FakeAnswer:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle


def json_answer(value: object, status: int = 200, **headers: str) -> FakeAnswer:
    """A JSON body."""
    return FakeAnswer(status, (msgspec.json.encode(value),), headers)


def problem(status: int, code: str, **headers: str) -> FakeAnswer:
    """A refusal."""
    body = {"status": status, "code": code, "detail": f"{code} it is"}
    return json_answer(body, status, **{name.replace("_", "-"): text for name, text in headers.items()})


def body_of(request: Request) -> dict[str, object]:
    """The JSON that a request carries."""
    content = request.content() if request.content else b""
    assert isinstance(content, bytes)
    decoded: dict[str, object] = msgspec.json.decode(content)
    return decoded

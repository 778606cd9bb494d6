"""HTTP with retries: the only module that imports httpx."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

import httpx
import msgspec

from marey.endpoint import Endpoint
from marey.errors import CannotConnectError, ConnectionLostError, MareyError, Problem, api_error
from marey.models import ProblemBody

Body = TypeVar("Body")
_BUSY = frozenset({502, 503, 504})
_TURNED_AWAY = frozenset({"rate_limited", "quota_exceeded", "not_ready", "storage_full"})
"""Codes of a server that has done nothing yet: any request may come again."""
_LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")


@dataclass(frozen=True)
class RetryPolicy:
    """How often, and after which pauses, a request that may be repeated is sent again."""

    attempts: int = 5
    first_pause_s: float = 0.2
    longest_pause_s: float = 2.0
    patience_s: float = 60.0
    """Longest pause that a server may ask for; a longer one is the caller's to decide."""

    def pauses_s(self) -> list[float]:
        """The pause after each attempt but the last: doubling, bounded."""
        return [min(self.first_pause_s * 2**n, self.longest_pause_s) for n in range(self.attempts - 1)]

    def pause_s(self, planned_s: float, error: MareyError, jitter: float) -> float | None:
        """The planned pause or the one that the server asked for, and up to a quarter more (`jitter` in
        [0, 1)), so that not all come back at once; None if that is too long to wait."""
        problem = getattr(error, "problem", None)
        asked_s = (problem.retry_after_s if isinstance(problem, Problem) else None) or 0.0
        if asked_s > self.patience_s:
            return None
        return max(planned_s, asked_s) * (1 + jitter / 4)


@dataclass(frozen=True)
class Request:
    """One request; `content` makes a fresh body for each attempt."""

    method: str
    url: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Callable[[], bytes | Iterable[bytes]] | None = None
    repeatable: bool = False
    """Sending it twice does what sending it once does. GET requests always are."""


class Transport:
    """Sends requests to one server; raises nothing but MareyError."""

    def __init__(self, endpoint: Endpoint, timeout_s: float, retry: RetryPolicy) -> None:
        self.endpoint_url = endpoint.url
        self._authorization = {"authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._retry = retry
        # A proxy set for the internet cannot reach this machine.
        mounts: dict[str, httpx.BaseTransport | None] = dict.fromkeys(_LOOPBACK)
        self._http = httpx.Client(base_url=endpoint.url, timeout=timeout_s, mounts=mounts)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, request: Request, body: type[Body]) -> Body:
        """The decoded answer. Raises MareyApiError for a refusal."""
        with self.stream(request) as response:
            with self._mapped_errors():
                content = response.read()
            return self._decode(content, body)

    @contextmanager
    def stream(self, request: Request) -> Iterator[httpx.Response]:
        """The answer with its body unread; its status is a success."""
        response = self._send_with_retries(request)
        try:
            yield response
        finally:
            response.close()

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body of an answer, piece by piece."""
        with self._mapped_errors():
            yield from response.iter_bytes()

    def _send_with_retries(self, request: Request) -> httpx.Response:
        for planned_s in self._retry.pauses_s():
            try:
                return self._send_once(request)
            except MareyError as error:
                pause_s = self._retry.pause_s(planned_s, error, random.random())
                if pause_s is None or not may_repeat(request, error):
                    raise
            time.sleep(pause_s)
        return self._send_once(request)

    def _send_once(self, request: Request) -> httpx.Response:
        with self._mapped_errors():
            built = self._http.build_request(
                request.method,
                request.url,
                params=dict(request.params) or None,
                headers=self._headers(request),
                content=request.content() if request.content else None,
            )
            response = self._http.send(built, stream=True)
            if not response.is_success:
                response.read()
                response.close()
        if not response.is_success:
            problem = problem_of(response.status_code, response.content)
            raise api_error(replace(problem, retry_after_s=_seconds(response.headers.get("retry-after"))))
        return response

    def _headers(self, request: Request) -> dict[str, str]:
        """The key goes to the endpoint's own paths. Whole addresses are links, signed by themselves."""
        own = self._authorization if request.url.startswith("/") else {}
        return {**own, **request.headers}

    def _decode(self, content: bytes, body: type[Body]) -> Body:
        try:
            return msgspec.json.decode(content, type=body)
        except msgspec.MsgspecError as error:
            raise ConnectionLostError(
                f"expected an answer of Marey from {self.endpoint_url}: {error}"
            ) from error

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise CannotConnectError(
                f"no Marey answers at {self.endpoint_url} ({error}); `marey up` starts one here"
            ) from error
        except (httpx.HTTPError, httpx.StreamError) as error:
            reason = str(error) or type(error).__name__
            raise ConnectionLostError(f"the connection to {self.endpoint_url} broke: {reason}") from error
        except httpx.InvalidURL as error:
            raise CannotConnectError(
                f"expected a valid endpoint, got {self.endpoint_url!r}: {error}"
            ) from error


def may_repeat(request: Request, error: MareyError) -> bool:
    """Whether sending again is safe and of use: the server did nothing, or doing it twice does no harm."""
    if isinstance(error, CannotConnectError) or getattr(error, "code", None) in _TURNED_AWAY:
        return True
    busy = getattr(error, "status", None) in _BUSY
    safe = request.repeatable or request.method == "GET"
    return safe and (busy or isinstance(error, ConnectionLostError))


def _seconds(header: str | None) -> float | None:
    """The value of Retry-After, if it is a number."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None


def problem_of(status: int, content: bytes) -> Problem:
    """The problem in the body, or one made up from the status if the body is not Marey's."""
    try:
        body = msgspec.json.decode(content, type=ProblemBody)
    except msgspec.MsgspecError:
        return Problem(status=status, code=f"http_{status}", detail=f"the server answered {status}")
    return Problem(
        status=status, code=body.code, detail=body.detail or body.title, request_id=body.request_id
    )

"""HTTP, for programs with an event loop and without: the only module that imports httpx."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import httpx

from marey.blocking import drain
from marey.errors import CannotConnectError, ConnectionLostError
from marey.requests import Request

Value = TypeVar("Value")
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
"""A proxy set for the internet cannot reach this machine."""
_NO_PROXY = {f"all://{host}": None for host in _LOOPBACK}


class AsyncTransport:
    """For asyncio."""

    def __init__(self, endpoint_url: str, timeout_s: float) -> None:
        self._endpoint_url = endpoint_url
        self._http = httpx.AsyncClient(base_url=endpoint_url, timeout=timeout_s, mounts=_NO_PROXY)

    async def open(self, request: Request) -> _AsyncAnswer:
        """See `marey.requests.Transport`, here and below."""
        with mapped_errors(self._endpoint_url):
            built = self._http.build_request(
                request.method,
                request.url,
                params=_params(request.params),
                headers=dict(request.headers),
                content=request.content() if request.content else None,
            )
            return _AsyncAnswer(await self._http.send(built, stream=True), self._endpoint_url)

    async def sleep(self, pause_s: float) -> None:
        """Let others run."""
        await asyncio.sleep(pause_s)

    async def offload(self, work: Callable[[], Value]) -> Value:
        """In a thread."""
        return await asyncio.to_thread(work)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class BlockingTransport:
    """For `marey.blocking`: nothing here suspends."""

    def __init__(self, endpoint_url: str, timeout_s: float) -> None:
        self._endpoint_url = endpoint_url
        self._http = httpx.Client(base_url=endpoint_url, timeout=timeout_s, mounts=_NO_PROXY)

    async def open(self, request: Request) -> _BlockingAnswer:
        """See `marey.requests.Transport`, here and below."""
        content = request.content() if request.content else None
        with mapped_errors(self._endpoint_url):
            built = self._http.build_request(
                request.method,
                request.url,
                params=_params(request.params),
                headers=dict(request.headers),
                content=content if content is None or isinstance(content, bytes) else drain(content),
            )
            return _BlockingAnswer(self._http.send(built, stream=True), self._endpoint_url)

    async def sleep(self, pause_s: float) -> None:
        """Block."""
        time.sleep(pause_s)  # noqa: ASYNC251 (no event loop waits for this)

    async def offload(self, work: Callable[[], Value]) -> Value:
        """Here and now."""
        return work()

    async def close(self) -> None:
        """Close the connections."""
        self._http.close()


class _AnswerHead:
    def __init__(self, response: httpx.Response, endpoint_url: str) -> None:
        self._response = response
        self._endpoint_url = endpoint_url

    @property
    def status(self) -> int:
        return self._response.status_code

    def header(self, name: str) -> str | None:
        value: str | None = self._response.headers.get(name)
        return value


class _AsyncAnswer(_AnswerHead):
    async def pieces(self) -> AsyncIterator[bytes]:
        with mapped_errors(self._endpoint_url):
            async for piece in self._response.aiter_bytes():
                yield piece

    async def close(self) -> None:
        await self._response.aclose()


class _BlockingAnswer(_AnswerHead):
    async def pieces(self) -> AsyncIterator[bytes]:
        with mapped_errors(self._endpoint_url):
            for piece in self._response.iter_bytes():
                yield piece

    async def close(self) -> None:
        self._response.close()


@contextmanager
def mapped_errors(endpoint_url: str) -> Iterator[None]:
    """Errors of httpx become the client's."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise CannotConnectError(
            f"no Marey answers at {endpoint_url} ({error}); `marey up` starts one here"
        ) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        reason = str(error) or type(error).__name__
        raise ConnectionLostError(f"the connection to {endpoint_url} broke: {reason}") from error
    except httpx.InvalidURL as error:
        raise CannotConnectError(f"expected a valid endpoint, got {endpoint_url!r}: {error}") from error


def _params(params: Mapping[str, str | int]) -> dict[str, str | int] | None:
    return dict(params) or None

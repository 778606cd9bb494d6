"""Requests to one server: with its key, sent again where that is safe, answers decoded."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from marey.endpoint import Endpoint
from marey.errors import ConnectionLostError, LocalFileError, MareyError, api_error
from marey.requests import Answer, Request, Transport, problem_of
from marey.retry import RetryPolicy, may_repeat

Value = TypeVar("Value")
Body = TypeVar("Body")


class Connection:
    """Sends requests to one server; raises nothing but MareyError."""

    def __init__(self, endpoint: Endpoint, transport: Transport, retry: RetryPolicy) -> None:
        self.endpoint_url = endpoint.url
        self.transport = transport
        self.retry = retry
        self._authorization = {"authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}

    async def send(self, request: Request, body: type[Body]) -> Body:
        """The decoded answer. Raises MareyApiError for a refusal."""
        return self.decode(await self.fetch(request), body)

    async def fetch_tagged(self, request: Request) -> tuple[bytes, str | None]:
        """The answer as it is, and its ETag."""

        async def attempt() -> tuple[bytes, str | None]:
            async with self.stream(request) as answer:
                return await _read(answer), answer.header("etag")

        return await self._retried(request, attempt)

    async def fetch(self, request: Request) -> bytes:
        """The answer as it is."""
        return (await self.fetch_tagged(request))[0]

    async def save(self, request: Request, target: Path) -> None:
        """Write the answer to a file, which is there once it is complete. Raises LocalFileError."""

        async def attempt() -> None:
            async with self.stream(request) as answer:
                await self._write(answer, target)

        await self._retried(request, attempt)

    @asynccontextmanager
    async def stream(self, request: Request) -> AsyncIterator[Answer]:
        """The answer with its body unread, after one attempt; its status is a success."""
        answer = await self.transport.open(self._with_key(request))
        try:
            if not 200 <= answer.status < 300:
                problem = problem_of(answer.status, await _read(answer), answer.header("retry-after"))
                raise api_error(problem)
            yield answer
        finally:
            await answer.close()

    def decode(self, content: bytes, body: type[Body]) -> Body:
        """A JSON answer. Raises ConnectionLostError if it is not one of Marey."""
        try:
            return msgspec.json.decode(content, type=body)
        except msgspec.MsgspecError as error:
            raise ConnectionLostError(
                f"expected an answer of Marey from {self.endpoint_url}: {error}"
            ) from error

    async def _retried(self, request: Request, attempt: Callable[[], Awaitable[Value]]) -> Value:
        for planned_s in self.retry.pauses_s():
            try:
                return await attempt()
            except MareyError as error:
                pause_s = self.retry.pause_s(planned_s, error, random.random())
                if pause_s is None or not may_repeat(request, error):
                    raise
            await self.transport.sleep(pause_s)
        return await attempt()

    def _with_key(self, request: Request) -> Request:
        """The key goes to the endpoint's own paths. Whole addresses are links, signed by themselves."""
        if not request.url.startswith("/"):
            return request
        return replace(request, headers={**self._authorization, **request.headers})

    async def _write(self, answer: Answer, target: Path) -> None:
        part = target.with_name(target.name + ".part")
        offload = self.transport.offload
        with local_file_errors(target):
            sink = await offload(partial(_create, part))
            try:
                with sink:
                    async for piece in answer.pieces():
                        await offload(partial(sink.write, piece))
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)


@contextmanager
def local_file_errors(path: Path) -> Iterator[None]:
    """Errors of this machine's files become LocalFileError."""
    try:
        yield
    except OSError as error:
        raise LocalFileError(f"{path}: {error.strerror or error}") from error


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


async def _read(answer: Answer) -> bytes:
    return b"".join([piece async for piece in answer.pieces()])

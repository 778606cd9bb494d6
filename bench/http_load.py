"""Many clients of one HTTP server, in one process that costs little: requests are ready bytes."""

import asyncio
import time
from dataclasses import dataclass
from typing import cast

_GRACE_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the clients saw."""

    requests: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float


class _Client(asyncio.Protocol):
    """Sends the request again as soon as its answer is there."""

    def __init__(self, request: bytes, stop_s: float, latencies_s: list[float]) -> None:
        self._request = request
        self._stop_s = stop_s
        self._latencies_s = latencies_s
        self._buffer = b""
        self._sent_s = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not _is_whole(self._buffer):
            return
        if not self._buffer.startswith(b"HTTP/1.1 20"):
            self.done.set_exception(RuntimeError(self._buffer.decode()))
            self._transport.close()
            return
        self._buffer = b""
        now_s = time.perf_counter()
        self._latencies_s.append(now_s - self._sent_s)
        if now_s < self._stop_s:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        self._sent_s = time.perf_counter()
        self._transport.write(self._request)


def _is_whole(answer: bytes) -> bool:
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator:
        return False
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length)


async def load(port: int, request: bytes, clients: int, duration_s: float) -> Outcome:
    """`clients` at once, each one request after the other. Raises RuntimeError for an answer but 2xx."""
    loop = asyncio.get_running_loop()
    latencies_s: list[float] = []
    started_s = time.perf_counter()
    stop_s = started_s + duration_s
    opened = [
        loop.create_connection(lambda: _Client(request, stop_s, latencies_s), "127.0.0.1", port)
        for _ in range(clients)
    ]
    async with asyncio.timeout(duration_s + _GRACE_S):
        await asyncio.gather(*[client.done for _, client in await asyncio.gather(*opened)])
    return outcome_of(latencies_s, time.perf_counter() - started_s)


def outcome_of(latencies_s: list[float], duration_s: float) -> Outcome:
    """What these requests, all there were in that time, come to."""
    ordered = sorted(latencies_s)
    return Outcome(
        requests=len(ordered),
        requests_per_s=len(ordered) / duration_s,
        p50_ms=ordered[len(ordered) // 2] * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
    )

"""Whether Triton computes: what a canary says, and while that is late, whether anybody gets answers."""

import asyncio
import time

from api.health.service import HANDSHAKE_S, within
from core.errors import InferenceUnavailableError
from orchestrator.triton import TritonClient

_SHORTEST_PATIENCE_S = 2.0
_TIMES_AS_LONG = 10.0


class TritonCheck:
    """Of one server. How long its networks take on this machine is known from the canary before."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._canary_s: float | None = None

    async def check(self) -> None:
        """Raise InferenceError leaves or TimeoutError if the server is away, blind or hangs."""
        async with await within(HANDSHAKE_S, TritonClient.open(self._url)) as client:
            began_s = time.monotonic()
            canary = asyncio.create_task(client.canary())
            try:
                await self._until_late(canary, client)
                await canary
            finally:
                canary.cancel()
                await asyncio.gather(canary, return_exceptions=True)
            self._canary_s = time.monotonic() - began_s

    async def _until_late(self, canary: asyncio.Task[None], client: TritonClient) -> None:
        """A late canary waits for its turn while others get answers; if nobody does, Triton hangs."""
        answered = await client.answered()
        waited_s = patience_s(self._canary_s)
        done, _ = await asyncio.wait({canary}, timeout=waited_s)
        if not done and await client.answered() == answered:
            raise InferenceUnavailableError(f"Triton: expected an answer within {waited_s:.1f} s, got none")


def patience_s(canary_s: float | None) -> float | None:
    """How long a canary may take while nobody gets an answer, after one that took `canary_s`; None: no bound,
    the networks may be large and the cores few."""
    return None if canary_s is None else max(_SHORTEST_PATIENCE_S, _TIMES_AS_LONG * canary_s)

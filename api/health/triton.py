"""Whether Triton computes: what a canary says, and while that is late, whether anybody gets answers."""

import asyncio
import time
from collections import deque
from collections.abc import Collection

from api.health.service import HANDSHAKE_S, within
from core.errors import InferenceUnavailableError
from orchestrator.triton import TritonClient

_SHORTEST_PATIENCE_S = 2.0
_TIMES_AS_LONG = 10.0
"""Others' requests hold eight frames, a canary one or two."""
_CANARIES_KEPT = 5


class TritonCheck:
    """Of one server. How fast its networks are on this machine is known from the canaries before."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._canaries_s: deque[float] = deque(maxlen=_CANARIES_KEPT)

    async def check(self) -> None:
        """Raise InferenceError leaves or TimeoutError if the server is away, blind or hangs.

        After a failure nothing is known: there may be other networks by now.
        """
        waited_s = patience_s(self._canaries_s)
        async with await within(HANDSHAKE_S, TritonClient.open(self._url)) as client:
            began_s = time.monotonic()
            canary = asyncio.create_task(client.canary())
            try:
                await _until_late(canary, client, waited_s)
                await canary
            except BaseException:
                self._canaries_s.clear()
                raise
            finally:
                canary.cancel()
                await asyncio.gather(canary, return_exceptions=True)
            self._canaries_s.append(time.monotonic() - began_s)


async def _until_late(canary: asyncio.Task[None], client: TritonClient, waited_s: float | None) -> None:
    """A late canary waits for its turn while others get answers; if nobody does, Triton hangs."""
    answered = await within(HANDSHAKE_S, client.answered())
    done, _ = await asyncio.wait({canary}, timeout=waited_s)
    if not done and await within(HANDSHAKE_S, client.answered()) == answered:
        raise InferenceUnavailableError(f"Triton: expected an answer within {waited_s:.1f} s, got none")


def patience_s(canaries_s: Collection[float]) -> float | None:
    """How long a canary may take while nobody gets an answer, told from those before; None, without any: no
    bound, the networks may be large and the cores few."""
    return max(_SHORTEST_PATIENCE_S, _TIMES_AS_LONG * min(canaries_s)) if canaries_s else None

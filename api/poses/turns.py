"""Who goes on next among the analyses of one process: the order of the workers' scheduler."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orchestrator.lanes import Lane
from orchestrator.scheduler import Scheduler


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Somebody who waits."""

    frames: int
    granted: asyncio.Future[None]


class Turns:
    """A number of turns at a time.

    Those who wait get them as lanes are served: tiers share 1:3:8 in frames, the projects of a tier evenly,
    and within a lane the first is first.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._scheduler = Scheduler()
        self._asked: dict[Lane, deque[_Asked]] = {}

    @asynccontextmanager
    async def turn(self, lane: Lane, frames: int) -> AsyncIterator[None]:
        """A turn for so many frames, until the end of the block."""
        asked = _Asked(frames, asyncio.get_running_loop().create_future())
        self._asked.setdefault(lane, deque()).append(asked)
        self._scheduler.add(lane, time.monotonic())
        self._hand_out()
        try:
            await asked.granted
            yield
        finally:
            if asked.granted.done() and not asked.granted.cancelled():
                self._free += 1
            asked.granted.cancel()
            self._hand_out()

    def _hand_out(self) -> None:
        """Give the free turns to those who wait; whoever gave up meanwhile is passed over."""
        while self._free and (turn := self._scheduler.take_turn(time.monotonic())):
            waiting = self._asked.get(turn.lane, deque())
            while waiting and waiting[0].granted.done():
                waiting.popleft()
            if not waiting:
                self._asked.pop(turn.lane, None)
                continue
            asked = waiting.popleft()
            asked.granted.set_result(None)
            self._free -= 1
            self._scheduler.serve(turn, asked.frames, time.monotonic())

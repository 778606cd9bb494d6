"""Waiting for work: hints shorten it, stopping ends it."""

import asyncio


class Wake:
    """Wakes one loop."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._hint = asyncio.Event()

    @property
    def is_stopping(self) -> bool:
        """Whether the loop shall end."""
        return self._stop.is_set()

    def hint(self) -> None:
        """There may be something to do."""
        self._hint.set()

    async def wait(self, timeout_s: float) -> None:
        """Return at a hint (also one given before the call), at the stop or after `timeout_s`."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._hint)]
        try:
            await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self._hint.clear()

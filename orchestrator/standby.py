"""While a Triton is away no run for it is taken: it would be leased, fail and be handed back at once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Set
from types import TracebackType
from typing import Self

from core.errors import (
    InferenceError,
    InferenceLostError,
    InferenceUnavailableError,
    KillingFrameError,
    MareyError,
)

_AWAY = (InferenceUnavailableError, InferenceLostError, KillingFrameError)
_logger = logging.getLogger(__name__)

Ask = Callable[[str | None], Awaitable[object]]
"""Raises InferenceError leaves while the Triton at an address is away; None: the worker's own."""
Show = Callable[[str | None, bool], None]
"""Takes whether the Triton at an address is there."""


class Standby:
    """Of one worker, an async context manager. An attempt tells it that a Triton is away; it asks that one
    until it is back. Each Triton keeps back the runs of its own projects alone."""

    def __init__(self, ask: Ask, interval_s: float, show: Show) -> None:
        """Errors of `ask` other than InferenceError are left to the attempts."""
        self._ask = ask
        self._interval_s = interval_s
        self._show = show
        self._asking: dict[str | None, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    @property
    def away(self) -> Set[str | None]:
        """The Tritons for which no runs may be taken."""
        return self._asking.keys()

    def note(self, cluster_url: str | None, error: Exception | None) -> None:
        """How an attempt with a Triton ended."""
        if isinstance(error, _AWAY) and cluster_url not in self._asking:
            self._asking[cluster_url] = asyncio.create_task(self._until_back(cluster_url), name="standby")
            extra = {"action": "standby", "cluster": cluster_url}
            _logger.warning("no runs are taken until Triton is back: %s", error, extra=extra)
        self._show(cluster_url, cluster_url not in self._asking)

    async def _until_back(self, cluster_url: str | None) -> None:
        extra = {"action": "standby", "cluster": cluster_url}
        try:
            while not await self._is_back(cluster_url, extra):
                pass
        finally:
            del self._asking[cluster_url]
        self._show(cluster_url, True)

    async def _is_back(self, cluster_url: str | None, extra: dict[str, str | None]) -> bool:
        await asyncio.sleep(self._interval_s)
        try:
            await self._ask(cluster_url)
        except InferenceError:
            return False
        except MareyError as error:
            _logger.warning("Triton is back: %s", error, extra=extra)
        else:
            _logger.info("Triton is back", extra=extra)
        return True

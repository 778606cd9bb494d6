"""While what computes poses is away no run is taken: it would be leased, fail and be handed back at once."""

import logging
import time
from collections.abc import Awaitable, Callable

from core.errors import InferenceError, InferenceUnavailableError, MareyError

_logger = logging.getLogger(__name__)


class Standby:
    """Of one worker. An attempt tells it that Triton is away; it asks until Triton is back."""

    def __init__(self, ask: Callable[[], Awaitable[object]], interval_s: float) -> None:
        """`ask` raises InferenceError leaves while Triton is away; other errors are left to the attempts."""
        self._ask = ask
        self._interval_s = interval_s
        self._ask_at_s: float | None = None
        """When to ask next; None while Triton is there."""

    def note(self, error: Exception | None) -> None:
        """How an attempt ended."""
        if isinstance(error, InferenceUnavailableError) and self._ask_at_s is None:
            self._ask_at_s = time.monotonic() + self._interval_s
            _logger.warning("no runs are taken until Triton is back: %s", error, extra={"action": "standby"})

    async def is_over(self) -> bool:
        """Whether runs may be taken."""
        if self._ask_at_s is None:
            return True
        if time.monotonic() < self._ask_at_s:
            return False
        try:
            await self._ask()
        except InferenceError:
            self._ask_at_s = time.monotonic() + self._interval_s
            return False
        except MareyError as error:
            _logger.warning("Triton is back: %s", error, extra={"action": "standby"})
        else:
            _logger.info("Triton is back", extra={"action": "standby"})
        self._ask_at_s = None
        return True

"""Opening what a process works with: services that do not answer yet are waited for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.errors import ServiceError

T = TypeVar("T")
_logger = logging.getLogger(__name__)


async def patiently(what: str, opening: Callable[[], Awaitable[T]], interval_s: float) -> T:
    """What `opening` gives once it does. What is waited for, and why, is said once.

    Raises whatever `opening` raises that is no ServiceError: waiting does not help against a wrong password.
    """
    said = ""
    while True:
        try:
            return await opening()
        except ServiceError as error:
            waiting = f"waiting for {what}: {error}"
            if waiting != said:
                _logger.warning("%s", waiting, extra={"action": "wait"})
                said = waiting
        await asyncio.sleep(interval_s)

"""A connection to NATS: made once, kept by the client, its errors ours."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import nats.errors
from nats.aio.client import Client

from core.errors import BusError, ConfigurationError

_CONNECT_TIMEOUT_S = 5
_REFUSAL = "Authorization Violation"
"""What a server says to a name or a password that it does not know."""
_logger = logging.getLogger(__name__)


class _Troubles:
    """Errors of a connection: those before it is made are for whoever opens it, the others are logged."""

    def __init__(self) -> None:
        self.is_open = False
        self.last: Exception | None = None
        self.refusal: Exception | None = None
        """Not always heard: a server that refuses closes the connection at once."""

    async def note(self, error: Exception) -> None:
        """Called by the client."""
        self.last = error
        if _REFUSAL in str(error):
            self.refusal = error
        if self.is_open:
            _logger.warning("NATS connection: %r", error, extra={"action": "nats_error"})

    def summary(self) -> BusError | ConfigurationError:
        """Why there is no connection."""
        if self.refusal is not None:
            return ConfigurationError(f"expected a NATS server that lets us in, got: {self.refusal}")
        return BusError("NATS does not answer" + (f": {self.last!r}" if self.last is not None else ""))


async def connected(servers: list[str]) -> Client:
    """A client that connects again by itself, for ever, but not the first time."""
    client, troubles = Client(), _Troubles()
    try:
        with bus_errors():
            async with asyncio.timeout(_CONNECT_TIMEOUT_S * len(servers)):
                await client.connect(
                    servers,
                    connect_timeout=_CONNECT_TIMEOUT_S,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=1,
                    allow_reconnect=True,
                    error_cb=troubles.note,
                )
    except BusError as error:
        with last_words():
            await client.close()
        raise troubles.summary() from error
    troubles.is_open = True
    return client


@contextmanager
def bus_errors() -> Iterator[None]:
    """Raise whatever the client or the socket raises as BusError."""
    try:
        yield
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise BusError(f"NATS: {error!r}") from error


@contextmanager
def last_words() -> Iterator[None]:
    """Taking leave of a server that is gone is no failure."""
    try:
        with bus_errors():
            yield
    except BusError as error:
        _logger.info("%s", error, extra={"action": "close_bus"})

"""Services that run elsewhere, before a stack starts."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

from core.errors import ServiceError
from deploy.embedded.options import ExternalServices
from orchestrator.bus import Bus
from orchestrator.store import Store

PATIENCE_S = 10.0
"""They may be starting at the same time; a URL that is wrong shall be told soon."""
_INTERVAL_S = 0.5


async def check_elsewhere(external: ExternalServices, patience_s: float = PATIENCE_S) -> None:
    """See that a Postgres and a NATS that run elsewhere answer.

    Only at the start of a stack: later they are waited for as long as it takes. Triton is waited for anyway.
    Raises StoreError, BusError or ConfigurationError.
    """
    for url, ask in ((external.database_url, _ask_postgres), (external.nats_url, _ask_nats)):
        if url is not None:
            await _answer(partial(ask, url), time.monotonic() + patience_s)


async def _answer(ask: Callable[[], Awaitable[None]], until_s: float) -> None:
    while True:
        try:
            return await ask()
        except ServiceError:
            if time.monotonic() > until_s:
                raise
        await asyncio.sleep(_INTERVAL_S)


async def _ask_postgres(url: str) -> None:
    async with Store.open(url, 1) as store:
        await store.ping()


async def _ask_nats(url: str) -> None:
    async with Bus.open(url):
        pass

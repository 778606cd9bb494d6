"""A request's body within bounds of time."""

import asyncio
from collections.abc import AsyncIterator

from core.errors import UploadIncompleteError


async def unstalled(body: AsyncIterator[bytes], idle_s: float) -> AsyncIterator[bytes]:
    """The pieces of `body`. Raises UploadIncompleteError if none comes for `idle_s`."""
    while True:
        try:
            async with asyncio.timeout(idle_s):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadIncompleteError(f"expected data within {idle_s:g} s, got none") from error
        yield chunk

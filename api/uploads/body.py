"""A request's body within bounds of size and time."""

import asyncio
from collections.abc import AsyncIterator

from core.errors import UploadIncompleteError, UploadTooLargeError


async def bounded(body: AsyncIterator[bytes], max_bytes: int, idle_s: float) -> AsyncIterator[bytes]:
    """The pieces of `body`, none of them beyond `max_bytes`.

    Raises UploadTooLargeError at the first piece too many, UploadIncompleteError if none comes for `idle_s`.
    """
    received_bytes = 0
    while True:
        try:
            async with asyncio.timeout(idle_s):
                chunk = await anext(body)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise UploadIncompleteError(f"expected data within {idle_s:g} s, got none") from error
        received_bytes += len(chunk)
        if received_bytes > max_bytes:
            raise UploadTooLargeError(f"expected at most {max_bytes} bytes, got more")
        yield chunk

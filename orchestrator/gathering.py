"""Things that come one by one, handed on together while their user is busy."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def gathered(source: AsyncIterator[T], most: int) -> AsyncGenerator[list[T], None]:
    """The items of `source` in order: whatever came since the last ones were asked for.

    At most `most` items are ahead of the user. An error of `source` comes after what came before it.
    """
    waiting: list[T] = []
    room = asyncio.Semaphore(most)
    news = asyncio.Event()

    async def collect() -> None:
        async for item in source:
            await room.acquire()
            waiting.append(item)
            news.set()

    collecting = asyncio.create_task(collect(), name="gather")
    collecting.add_done_callback(lambda _: news.set())
    try:
        while waiting or not collecting.done():
            if waiting:
                group = waiting.copy()
                waiting.clear()
                yield group
                for _ in group:
                    room.release()
            else:
                news.clear()
                await news.wait()
        await collecting
    finally:
        collecting.cancel()
        await asyncio.gather(collecting, return_exceptions=True)

"""Coroutines without an event loop: each operation of the client is written once, for both clients.

Over a transport that never suspends, a coroutine runs to its end in one step.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar

Value = TypeVar("Value")
_END = object()


def run(coroutine: Coroutine[Any, Any, Value]) -> Value:
    """What the coroutine returns."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: Value = end.value
        return value
    coroutine.close()
    raise AssertionError("expected a transport that blocks, got one that waits for an event loop")


def drain(items: AsyncIterator[Value]) -> Iterator[Value]:
    """The items, one at a time."""
    try:
        while (item := run(_next(items))) is not _END:
            yield item  # type: ignore[misc]
    finally:
        run(_close(items))


async def _next(items: AsyncIterator[Value]) -> Value | object:
    return await anext(items, _END)


async def _close(items: AsyncIterator[Value]) -> None:
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()

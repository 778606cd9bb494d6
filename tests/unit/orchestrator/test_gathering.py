"""Items that wait are handed on together, in order, without loss."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gathering import gathered


async def numbers(count: int, pauses: frozenset[int] = frozenset()) -> AsyncIterator[int]:
    """Comes to a stop for a moment before some of the numbers."""
    for number in range(count):
        if number in pauses:
            await asyncio.sleep(0)
        yield number


@given(
    st.integers(0, 40),
    st.integers(1, 8),
    st.frozensets(st.integers(0, 40)),
    st.frozensets(st.integers(0, 40)),
)
def test_every_item_comes_once_and_in_order(
    count: int, most: int, pauses: frozenset[int], rests: frozenset[int]
) -> None:
    async def groups() -> list[list[int]]:
        found = []
        async for group in gathered(numbers(count, pauses), most):
            found.append(group)
            if len(found) in rests:
                await asyncio.sleep(0)
        return found

    found = asyncio.run(groups())
    assert [number for group in found for number in group] == list(range(count))
    assert all(1 <= len(group) <= most for group in found)


async def test_what_came_while_its_user_was_busy_comes_together() -> None:
    sizes = []
    async for group in gathered(numbers(9), 4):
        sizes.append(len(group))
        for _ in range(20):
            await asyncio.sleep(0)
    assert sizes[1] > 1
    assert sum(sizes) == 9


async def test_an_error_comes_after_what_was_before_it() -> None:
    async def failing() -> AsyncIterator[int]:
        yield 1
        yield 2
        raise ValueError("no third")

    found: list[int] = []

    async def take_all() -> None:
        async for group in gathered(failing(), 8):
            found.extend(group)

    with pytest.raises(ValueError, match="no third"):
        await take_all()
    assert found == [1, 2]


async def test_a_user_who_leaves_ends_the_source() -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncGenerator[int, None]:
        try:
            while True:
                await asyncio.sleep(0)
                yield 1
        finally:
            ended.set()

    source = endless()
    async with aclosing(source), aclosing(gathered(source, 4)) as groups:
        async for _ in groups:
            break
    assert ended.is_set()

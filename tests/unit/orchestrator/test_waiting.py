"""Waiting for work."""

import asyncio
import time

import pytest

from core.errors import BusError
from orchestrator.process import unless_stopped
from orchestrator.waiting import Wake

LONG_S = 30.0


async def test_a_hint_ends_the_wait_even_if_it_came_before() -> None:
    wake = Wake(asyncio.Event())
    wake.hint()
    started = time.monotonic()
    await wake.wait(LONG_S)
    assert time.monotonic() - started < LONG_S / 2


async def test_a_hint_is_used_up() -> None:
    wake = Wake(asyncio.Event())
    wake.hint()
    await wake.wait(LONG_S)
    started = time.monotonic()
    await wake.wait(0.05)
    assert time.monotonic() - started >= 0.04


async def test_the_stop_ends_every_wait() -> None:
    stop = asyncio.Event()
    wake = Wake(stop)
    assert not wake.is_stopping
    asyncio.get_running_loop().call_later(0.01, stop.set)
    started = time.monotonic()
    await wake.wait(LONG_S)
    await wake.wait(LONG_S)
    assert time.monotonic() - started < LONG_S / 2
    assert wake.is_stopping


async def test_what_a_stop_breaks_off_did_not_end() -> None:
    stop = asyncio.Event()
    assert await unless_stopped(stop, asyncio.sleep(0, "ended")) == "ended"
    asyncio.get_running_loop().call_later(0.01, stop.set)
    started = time.monotonic()
    assert await unless_stopped(stop, asyncio.sleep(LONG_S, "ended")) is None
    assert time.monotonic() - started < LONG_S / 2


async def test_what_fails_before_the_stop_is_raised() -> None:
    async def fail() -> None:
        raise BusError

    with pytest.raises(BusError):
        await unless_stopped(asyncio.Event(), fail())

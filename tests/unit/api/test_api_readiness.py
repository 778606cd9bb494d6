"""Readiness reports."""

import asyncio
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.health.service import Check, Readiness
from api.health.triton import TritonCheck, patience_s
from core.errors import BusError


async def works() -> None:
    pass


async def refused() -> None:
    raise BusError("nats://secret@host is down")


async def stuck() -> None:
    await asyncio.sleep(30)


async def slow() -> None:
    await asyncio.sleep(0.2)


class Counted:
    """A check that counts its runs."""

    def __init__(self, check: Check = works) -> None:
        self.runs = 0
        self._check = check

    async def __call__(self) -> None:
        self.runs += 1
        await self._check()


async def stubborn() -> None:
    """As a driver that asks a server which hangs to cancel a statement."""
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        await asyncio.sleep(30)


async def test_a_check_that_does_not_give_up_is_not_waited_for() -> None:
    readiness = Readiness({"postgres": stubborn, "nats": works}, timeout_s=0.05)
    async with asyncio.timeout(10):
        assert await readiness.report() == {"postgres": "timeout", "nats": "ok"}


async def test_each_service_is_named_with_its_state() -> None:
    readiness = Readiness({"postgres": works, "nats": refused, "triton": stuck}, timeout_s=0.05)
    assert await readiness.report() == {"postgres": "ok", "nats": "bus", "triton": "timeout"}


async def test_a_service_that_just_worked_is_not_tried_again() -> None:
    good, bad = Counted(), Counted(refused)
    readiness = Readiness({"postgres": good, "nats": bad}, fresh_s=60)
    await asyncio.gather(*(readiness.report() for _ in range(20)))
    await readiness.report()
    assert good.runs == 1
    assert bad.runs > 1


async def test_what_is_known_grows_stale() -> None:
    check = Counted()
    readiness = Readiness({"postgres": check}, fresh_s=0)
    await readiness.report()
    await readiness.report()
    assert check.runs == 2


async def test_a_slow_service_makes_what_is_known_of_others_no_younger() -> None:
    quick = Counted()
    readiness = Readiness({"nats": quick, "triton": slow}, fresh_s=0.1)
    await readiness.report()
    await readiness.report()
    assert quick.runs == 2


async def test_many_who_ask_while_a_service_hangs_wait_for_two_checks_at_most() -> None:
    hangs = Counted(stuck)
    readiness = Readiness({"postgres": works, "triton": hangs}, timeout_s=0.05)
    reports = await asyncio.gather(*(readiness.report() for _ in range(50)))
    assert reports == [{"postgres": "ok", "triton": "timeout"}] * 50
    assert hangs.runs == 2


class HangsHalfWay:
    """A Triton that was ready and hangs before it says what it has answered."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def canary(self) -> None:
        await stuck()

    async def answered(self) -> int:
        await stuck()
        return 0


async def test_a_triton_that_hangs_half_way_is_noticed_as_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def opened(url: str) -> HangsHalfWay:
        return HangsHalfWay()

    monkeypatch.setattr("api.health.triton.TritonClient.open", opened)
    monkeypatch.setattr("api.health.triton.HANDSHAKE_S", 0.05)
    readiness = Readiness({"triton": TritonCheck("127.0.0.1:1").check})
    async with asyncio.timeout(5):
        assert await readiness.report() == {"triton": "timeout"}


@given(st.lists(st.floats(0.0, 60.0), min_size=1))
def test_slow_networks_are_waited_for_longer(canaries_s: list[float]) -> None:
    allowed_s = patience_s(canaries_s)
    assert allowed_s is not None
    assert allowed_s >= max(2.0, min(canaries_s))


def test_networks_of_unknown_speed_are_waited_for_without_bound() -> None:
    assert patience_s([]) is None

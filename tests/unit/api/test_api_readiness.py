"""Readiness reports."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from api.health.service import Readiness
from api.health.triton import patience_s
from core.errors import BusError


class Counted:
    """A check that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self) -> None:
        self.runs += 1


async def refused() -> None:
    raise BusError("nats://secret@host is down")


async def stuck() -> None:
    await asyncio.sleep(30)


async def stubborn() -> None:
    """As a driver that asks a server which hangs to cancel a statement."""
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        await asyncio.sleep(30)


async def test_a_check_that_does_not_give_up_is_not_waited_for() -> None:
    readiness = Readiness({"postgres": stubborn, "nats": Counted()}, timeout_s=0.05)
    async with asyncio.timeout(10):
        assert await readiness.report() == {"postgres": "timeout", "nats": "ok"}


async def test_each_service_is_named_with_its_state() -> None:
    readiness = Readiness({"postgres": Counted(), "nats": refused, "triton": stuck}, timeout_s=0.05)
    assert await readiness.report() == {"postgres": "ok", "nats": "bus", "triton": "timeout"}


async def test_a_fresh_good_report_is_reused() -> None:
    check = Counted()
    readiness = Readiness({"postgres": check}, fresh_s=60)
    await asyncio.gather(*(readiness.report() for _ in range(20)))
    assert check.runs == 1


async def test_a_stale_or_bad_report_is_renewed() -> None:
    stale, bad = Counted(), Counted()
    for readiness in (
        Readiness({"postgres": stale}, fresh_s=0),
        Readiness({"postgres": bad, "nats": refused}, fresh_s=60),
    ):
        await readiness.report()
        await readiness.report()
    assert (stale.runs, bad.runs) == (2, 2)


async def test_many_who_ask_while_a_service_hangs_wait_for_two_reports_at_most() -> None:
    check = Counted()
    readiness = Readiness({"postgres": check, "triton": stuck}, timeout_s=0.05)
    reports = await asyncio.gather(*(readiness.report() for _ in range(50)))
    assert reports == [{"postgres": "ok", "triton": "timeout"}] * 50
    assert check.runs == 2


@given(st.lists(st.floats(0.0, 60.0), min_size=1))
def test_slow_networks_are_waited_for_longer(canaries_s: list[float]) -> None:
    allowed_s = patience_s(canaries_s)
    assert allowed_s is not None
    assert allowed_s >= max(2.0, min(canaries_s))


def test_networks_of_unknown_speed_are_waited_for_without_bound() -> None:
    assert patience_s([]) is None

"""Nothing is taken for a Triton that is away, and everything for the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from core.errors import (
    InferenceError,
    InferenceLostError,
    InferenceUnavailableError,
    KillingFrameError,
    MareyError,
    ModelContractError,
)
from orchestrator.standby import Standby
from tests.services.waiting import eventually

AWAY = InferenceUnavailableError("connection refused")


@dataclass
class Tritons:
    """What each says, one answer after the other, and what is shown of them."""

    errors: dict[str | None, list[MareyError | None]] = field(default_factory=dict)
    shown: list[tuple[str | None, bool]] = field(default_factory=list)

    async def ask(self, cluster_url: str | None) -> None:
        """The next answer; one that has none left hangs."""
        if not self.errors.get(cluster_url):
            await asyncio.Event().wait()
        if (error := self.errors[cluster_url].pop(0)) is not None:
            raise error

    def show(self, cluster_url: str | None, is_there: bool) -> None:
        """Keep it."""
        self.shown.append((cluster_url, is_there))

    @asynccontextmanager
    async def standby(self, interval_s: float = 0) -> AsyncIterator[Standby]:
        """A standby that asks these."""
        async with Standby(self.ask, interval_s, self.show) as standby:
            yield standby


async def test_nobody_is_asked_while_all_is_well() -> None:
    tritons = Tritons()
    async with tritons.standby() as standby:
        for error in (None, InferenceError("the model returned NaN")):
            standby.note(None, error)
            assert not standby.away
    assert tritons.shown == [(None, True), (None, True)]


@pytest.mark.parametrize("error", [AWAY, InferenceLostError("x"), KillingFrameError("x", 7)])
async def test_nothing_is_taken_after_triton_has_ended(error: MareyError) -> None:
    async with Tritons().standby() as standby:
        standby.note(None, error)
        assert standby.away == {None}


@pytest.mark.parametrize("last", [None, ModelContractError("other sizes")])
async def test_it_is_over_when_triton_answers(last: MareyError | None) -> None:
    tritons = Tritons({None: [AWAY, AWAY, last]})
    async with tritons.standby() as standby:
        standby.note(None, AWAY)
        standby.note(None, AWAY)
        assert standby.away == {None}

        async def is_over() -> bool:
            return not standby.away

        await eventually(is_over)
        standby.note(None, AWAY)
        assert standby.away == {None}
    assert tritons.errors == {None: []}
    assert tritons.shown == [(None, False), (None, False), (None, True), (None, False)]


async def test_one_that_hangs_keeps_no_other_back() -> None:
    tritons = Tritons({"b:1": [AWAY, None]})
    async with tritons.standby() as standby:
        standby.note("a:1", AWAY)
        standby.note("b:1", AWAY)
        assert standby.away == {"a:1", "b:1"}

        async def b_is_back() -> bool:
            return standby.away == {"a:1"}

        await eventually(b_is_back)


async def test_triton_is_not_asked_all_the_time() -> None:
    tritons = Tritons({None: [None]})
    async with tritons.standby(interval_s=60) as standby:
        standby.note(None, AWAY)
        await asyncio.sleep(0.05)
        assert standby.away == {None}
    assert tritons.errors == {None: [None]}

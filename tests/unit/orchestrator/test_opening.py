"""Waiting for services while opening them."""

import logging
from dataclasses import dataclass

import pytest

from core.errors import BusError, ConfigurationError, MareyError, StoreError
from orchestrator.opening import patiently


@dataclass
class Opening:
    """Fails with each of the errors, then gives its name."""

    errors: list[MareyError]

    async def __call__(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "opened"


async def test_what_is_waited_for_is_said_once_for_each_reason(caplog: pytest.LogCaptureFixture) -> None:
    opening = Opening([StoreError("refused"), StoreError("refused"), BusError("away"), BusError("away")])
    with caplog.at_level(logging.WARNING):
        assert await patiently("Postgres and NATS", opening, 0.01) == "opened"
    assert not opening.errors
    assert [record.getMessage() for record in caplog.records] == [
        "waiting for Postgres and NATS: refused",
        "waiting for Postgres and NATS: away",
    ]


async def test_what_waiting_does_not_mend_ends_it() -> None:
    opening = Opening([StoreError("refused"), ConfigurationError("wrong password"), StoreError("refused")])
    with pytest.raises(ConfigurationError, match="wrong password"):
        await patiently("Postgres", opening, 0.01)
    assert len(opening.errors) == 1

"""Every error of the Postgres driver becomes StoreError."""

import inspect

import asyncpg
import pytest

from core.errors import StoreError
from orchestrator.store.database import store_errors


def driver_errors() -> list[type[Exception]]:
    """The exceptions that asyncpg exports, warnings aside."""
    members = (getattr(asyncpg.exceptions, name) for name in asyncpg.exceptions.__all__)
    return [
        member
        for member in members
        if inspect.isclass(member) and issubclass(member, Exception) and not issubclass(member, Warning)
    ]


@pytest.mark.parametrize("error", [*driver_errors(), ConnectionRefusedError, TimeoutError])
def test_is_mapped(error: type[Exception]) -> None:
    with pytest.raises(StoreError), store_errors():
        raise error("the driver's words")


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), store_errors():
        raise KeyError

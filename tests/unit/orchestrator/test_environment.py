"""Numbers in environment variables."""

import pytest

from core.errors import ConfigurationError
from orchestrator.environment import addresses, port_if_set, positive, positive_if_set


def test_numbers_are_read() -> None:
    environment = {"COUNT": "3", "PORT": "65535"}
    assert positive(environment, "COUNT", 7) == positive_if_set(environment, "COUNT") == 3
    assert port_if_set(environment, "PORT") == 65535


def test_what_is_not_set_has_its_default() -> None:
    assert (positive({}, "COUNT", 7), positive_if_set({}, "COUNT"), port_if_set({}, "PORT")) == (
        7,
        None,
        None,
    )


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", " 1"])
def test_other_texts_are_refused_by_name(text: str) -> None:
    with pytest.raises(
        ConfigurationError, match=f"COUNT: expected a whole number of at least 1, got '{text}'"
    ):
        positive({"COUNT": text}, "COUNT", 7)
    with pytest.raises(ConfigurationError, match=f"PORT: expected a number from 1 to 65535, got '{text}'"):
        port_if_set({"PORT": text}, "PORT")


def test_ports_end_at_65535() -> None:
    with pytest.raises(ConfigurationError, match="got '65536'"):
        port_if_set({"PORT": "65536"}, "PORT")


def test_addresses_are_read() -> None:
    text = "triton-2:8001, 10.0.0.5:8001,[::1]:8001,"
    assert addresses({"A": text}, "A") == {"triton-2:8001", "10.0.0.5:8001", "[::1]:8001"}
    assert addresses({}, "A") == addresses({"A": " "}, "A") == frozenset()


@pytest.mark.parametrize("text", ["t", "t:", "t:0", "grpc://t:1", "unix:/run/t", "t:1/x", "-t:1", "a b:1"])
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(ConfigurationError, match="A: expected host:port"):
        addresses({"A": f"t:1,{text}"}, "A")

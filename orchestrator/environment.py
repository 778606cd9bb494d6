"""Numbers and addresses in environment variables. What is none raises ConfigurationError with the variable's
name."""

import re
from collections.abc import Mapping

from core.errors import ConfigurationError

_PORT_MAX = 65535
_ADDRESS = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\]):[1-9][0-9]{0,4}")
"""host:port. Nothing else: gRPC would also connect to `unix:/...` and the like."""


def positive(environment: Mapping[str, str], name: str, default: int) -> int:
    """A whole number of at least 1."""
    text = environment.get(name, str(default))
    if not text.isdecimal() or int(text) < 1:
        raise ConfigurationError(f"{name}: expected a whole number of at least 1, got {text!r}")
    return int(text)


def positive_if_set(environment: Mapping[str, str], name: str) -> int | None:
    """The same; None without the variable."""
    return positive(environment, name, 1) if name in environment else None


def port_if_set(environment: Mapping[str, str], name: str) -> int | None:
    """A port; None without the variable."""
    text = environment.get(name)
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text) <= _PORT_MAX:
        raise ConfigurationError(f"{name}: expected a number from 1 to {_PORT_MAX}, got {text!r}")
    return int(text)


def addresses(environment: Mapping[str, str], name: str) -> frozenset[str]:
    """Addresses host:port, separated by commas; none without the variable."""
    found = {address.strip() for address in environment.get(name, "").split(",")} - {""}
    for address in sorted(found):
        if not _ADDRESS.fullmatch(address):
            raise ConfigurationError(f"{name}: expected host:port, separated by commas, got {address!r}")
    return frozenset(found)

"""Ports of the embedded stack: chosen once, then kept."""

import json
import random
import socket
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from core.errors import PortTakenError

HOST = "127.0.0.1"
CANDIDATES = range(20_000, 32_000)
"""Below Linux's ephemeral ports (32768 and up), which the system gives to outgoing connections."""


def choose_ports(
    names: Iterable[str], kept: Path, fixed: Mapping[str, int], candidates: Sequence[int] = CANDIDATES
) -> dict[str, int]:
    """A free port for each of `names`: the fixed one, else that of the last run, else one of `candidates`.

    The choice is written to `kept`. Nothing holds a port until its service listens: stacks that start at the
    same time may choose the same, unless their candidates differ. Raises PortTakenError if a fixed port is
    not free.
    """
    before = _read(kept)
    ports: dict[str, int] = {}
    for name in names:
        ports[name] = (
            fixed[name] if name in fixed else _free_port(before.get(name), ports.values(), candidates)
        )
        if name in fixed and not is_free(ports[name]):
            raise PortTakenError(
                f"expected port {ports[name]} to be free for {name}, got one that is in use; "
                "choose another, or leave it out to get a free one"
            )
    kept.write_text(json.dumps(ports, indent=2) + "\n")
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_ports_among(tries: int) -> int:
    """How many of so many random candidates are free."""
    return sum(is_free(port) for port in random.sample(CANDIDATES, tries))


def _free_port(preferred: int | None, taken: Iterable[int], candidates: Sequence[int]) -> int:
    tried = random.sample(candidates, min(200, len(candidates)))
    for port in tried if preferred is None else [preferred, *tried]:
        if port not in taken and is_free(port):
            return port
    raise PortTakenError(f"expected a free port among {len(tried)} tried on {HOST}, got none")


def _read(kept: Path) -> dict[str, int]:
    """The ports of the last run; none if there was none or its file is damaged."""
    try:
        ports = json.loads(kept.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    known = ports.items() if isinstance(ports, dict) else ()
    return {name: port for name, port in known if isinstance(port, int)}

"""A service of the embedded stack: how to start it, when it is ready, when to start it again."""

import graphlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from deploy.embedded.process import ServiceCommand
from deploy.embedded.standstill import Pulses

Probe = Callable[[], Awaitable[bool]]
"""Tells whether a service can be used; never raises for one that cannot yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How to see that a service has not hung: a small piece of its work, done again and again."""

    works: Probe
    interval_s: float = 10.0
    patience_s: float = 60.0
    """A service that has not done it for so long is killed and started again. Longer than its queue under
    load: the canary waits its turn in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the supervisor needs to know about one service."""

    name: str
    command: Callable[[], ServiceCommand]
    """Makes what the service needs on disk; called in a thread before every start."""
    ready: Probe
    needs: tuple[str, ...] = ()
    """Services that must be ready before this one starts and stop after it."""
    note: str = ""
    """What is said when it starts."""
    start_timeout_s: float = 120.0
    helper: str | None = None
    """Name, of at most 15 characters, of processes that the service starts and cannot replace itself:
    when one of them dies, the service is started again."""
    pulses: Pulses | None = None
    canary: Canary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How often and how soon a service that died is started again."""

    max_deaths: int = 5
    """Deaths within `window_s` after which the supervisor gives up."""
    window_s: float = 120.0
    first_delay_s: float = 0.5
    max_delay_s: float = 10.0

    def delay_s(self, deaths_s: Sequence[float]) -> float | None:
        """Seconds to wait after the last of `deaths_s` (times, rising); None means to give up."""
        recent = sum(death >= deaths_s[-1] - self.window_s for death in deaths_s)
        if recent >= self.max_deaths:
            return None
        return min(self.first_delay_s * 2.0 ** (recent - 1), self.max_delay_s)


def start_levels(services: Sequence[Service]) -> list[list[Service]]:
    """Groups of services that may start together, in order of their needs.

    A need that is not among `services` counts as met: it runs elsewhere.
    """
    by_name = {service.name: service for service in services}
    sorter = graphlib.TopologicalSorter(
        {service.name: [need for need in service.needs if need in by_name] for service in services}
    )
    sorter.prepare()
    levels = []
    while sorter.is_active():
        names = sorter.get_ready()
        levels.append([by_name[name] for name in names])
        sorter.done(*names)
    return levels

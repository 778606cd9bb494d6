"""A service of the embedded stack: how to start it, when it is ready, when to start it again."""

import graphlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from deploy.embedded.process import ServiceCommand
from deploy.embedded.standstill import Pulses

_MOST_DOUBLINGS = 32
"""Beyond any delay."""

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
    """How soon a service that died is started again, and when it is given up.

    One that becomes ready each time is never given up: what kills it may be its input, which will be set
    aside, and the rest of the stack works on. One that ends before it is ready, again and again, cannot run.
    """

    max_failed_starts: int = 5
    """Ends before it was ready, one after the other, after which the supervisor gives up."""
    window_s: float = 30.0
    """Deaths within it make the next start later."""
    first_delay_s: float = 0.5
    max_delay_s: float = 10.0

    def delay_s(self, deaths_s: Sequence[float], failed_starts: int) -> float | None:
        """Seconds to wait after the last of `deaths_s` (times, rising); None means to give up.

        `failed_starts` are the last of them, those before it was ready.
        """
        if failed_starts >= self.max_failed_starts:
            return None
        doublings = min(self.recent(deaths_s) - 1, _MOST_DOUBLINGS)
        return min(self.first_delay_s * 2.0**doublings, self.max_delay_s)

    def recent(self, deaths_s: Sequence[float]) -> int:
        """How many of `deaths_s` are within the window, the last one included."""
        return sum(death >= deaths_s[-1] - self.window_s for death in deaths_s)


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

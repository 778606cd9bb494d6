"""The embedded stack from Python: `embedded_stack` in a coroutine, `running_stack` elsewhere."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, replace

import anyio
import anyio.from_thread

from deploy.embedded.elsewhere import check_elsewhere
from deploy.embedded.home import Home
from deploy.embedded.options import StackOptions
from deploy.embedded.ports import choose_ports
from deploy.embedded.services import Layout, port_names, stack_services, triton_ports, triton_service
from deploy.embedded.supervisor import Report, ServiceEvent, Supervisor
from deploy.embedded.target import machine_target
from deploy.embedded.trial import target_that_works
from deploy.embedded.versions import stack_versions


@dataclass(frozen=True, slots=True)
class RunningStack:
    """A stack whose services are ready."""

    layout: Layout
    supervisor: Supervisor

    @property
    def api_url(self) -> str:
        """Where clients connect."""
        return self.layout.api_url

    @property
    def api_key(self) -> str:
        """The key of the stack's first administrator."""
        return self.layout.api_key_file.read_text()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that point a process of Marey at this stack's services."""
        return self.layout.environment()

    def check(self) -> None:
        """Raise ServiceDiedError if a service was given up."""
        if failure := self.supervisor.failure():
            raise failure

    async def watch(self) -> None:
        """Wait until a service is given up; raises ServiceDiedError."""
        await self.supervisor.watch()


def ignore_events(_: ServiceEvent) -> None:
    """A report that tells nobody."""


@contextlib.asynccontextmanager
async def embedded_stack(
    options: StackOptions, report: Report = ignore_events
) -> AsyncIterator[RunningStack]:
    """Start every service, publish stack.json, stop everything at the end.

    Raises DirectoryTakenError, PortTakenError, ServiceDiedError and the errors of `check_elsewhere`.
    """
    home = Home(options.home.expanduser().absolute())
    fixed = {} if options.api_port is None else {"api": options.api_port}
    with home.locked() as lock_fd:
        await check_elsewhere(options.external)
        ports = choose_ports(port_names(options.workers), home.ports, fixed)
        layout = Layout(
            home=home,
            ports=ports,
            external=options.external,
            target=None
            if options.external.triton_url
            else await asyncio.to_thread(machine_target, options.target, options.engines),
            models=options.models and options.models.expanduser().absolute(),
            workers=options.workers,
        )
        supervisor = Supervisor(home.logs, lock_fd, report)
        try:
            layout = await _with_working_target(supervisor, layout)
            await supervisor.start(stack_services(layout))
            home.write_stack(await asyncio.to_thread(_facts, layout))
            yield RunningStack(layout, supervisor)
        finally:
            home.stack.unlink(missing_ok=True)
            with anyio.CancelScope(shield=True):
                await supervisor.stop()


@contextlib.contextmanager
def running_stack(options: StackOptions, report: Report = ignore_events) -> Iterator[RunningStack]:
    """`embedded_stack` for code that is not a coroutine: the supervisor has a thread of its own."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(embedded_stack(options, report)) as stack,
    ):
        yield stack


async def _with_working_target(supervisor: Supervisor, layout: Layout) -> Layout:
    """Where the target is on trial, Triton runs when this returns."""
    if layout.target is None or layout.target.otherwise is None:
        return layout
    ports = triton_ports(layout.ports)
    working = await target_that_works(
        supervisor,
        lambda choice: triton_service(layout.home, ports, choice, layout.models),
        layout.target,
        ports.grpc,
    )
    return replace(layout, target=working)


def _facts(layout: Layout) -> dict[str, object]:
    """The content of stack.json."""
    return {
        "api_url": layout.api_url,
        "grpc_address": layout.grpc_address,
        "pid": os.getpid(),
        "ports": dict(layout.ports),
        "versions": stack_versions(layout),
    }

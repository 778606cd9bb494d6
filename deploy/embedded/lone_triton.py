"""`marey triton`: Triton without the rest of a stack, for workers elsewhere."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import anyio
from rich.console import Console

from deploy.embedded.foreground import output_console, until_signalled
from deploy.embedded.home import Home
from deploy.embedded.service import Service
from deploy.embedded.services import triton_service
from deploy.embedded.status import EventPrinter
from deploy.embedded.supervisor import Supervisor
from deploy.embedded.target import TargetChoice, TargetWish, machine_target
from deploy.embedded.trial import target_that_works
from deploy.embedded.triton import TritonPorts


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneTriton:
    """What to serve, and where."""

    home: Path
    models: Path | None
    """Folder of the user's networks; None takes the shipped ones."""
    ports: TritonPorts
    target: TargetWish = "auto"
    engines: Path | None = None


def run_lone_triton(options: LoneTriton) -> None:
    """Serve until SIGINT or SIGTERM; the server is started again if it or one of its models' processes dies.

    Raises DirectoryTakenError, ServiceDiedError and the errors of `build_repository`.
    """
    asyncio.run(until_signalled(_serve(options, output_console())))


async def _serve(options: LoneTriton, console: Console) -> None:
    home = Home(options.home.expanduser().absolute())
    models = options.models and options.models.expanduser().absolute()
    target = await asyncio.to_thread(machine_target, options.target, options.engines)
    console.print(f"target        {target}", highlight=False, markup=False)

    def triton_of(choice: TargetChoice) -> Service:
        return triton_service(home, options.ports, choice, models)

    with home.locked() as lock_fd:
        supervisor = Supervisor(home.logs, lock_fd, EventPrinter(console))
        try:
            working = await target_that_works(supervisor, triton_of, target, options.ports.grpc)
            if working is not target:
                console.print(f"target        {working}", highlight=False, markup=False)
            await supervisor.watch()
        finally:
            with anyio.CancelScope(shield=True):
                await supervisor.stop()

"""What `marey up` shows: a line per event, and a table once everything is ready."""

import contextlib
import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deploy.embedded.services import Layout
from deploy.embedded.supervisor import ServiceEvent
from deploy.embedded.target import ELSEWHERE

_COLOURS = {"starting": "dim", "ready": "green", "died": "red", "stopped": "dim"}


class EventPrinter:
    """Prints what happens to the services."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: ServiceEvent) -> None:
        colour = _COLOURS[event.kind]
        line = f"{event.service:<13} [{colour}]{event.kind}[/] {escape(event.detail)}"
        with contextlib.suppress(OSError):  # a terminal that was closed takes no service down
            self._console.print(line.rstrip(), highlight=False, soft_wrap=True)


def status_table(layout: Layout) -> Table:
    """Services, addresses and versions of a stack that has written its stack.json."""
    versions = json.loads(layout.home.stack.read_text())["versions"]
    table = Table(title="Marey is ready", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("service", "address", "version"):
        table.add_column(column, style="bold" if column == "service" else None, overflow="fold")
    for name, address in _addresses(layout).items():
        table.add_row(name, escape(address), versions.get(name, "elsewhere" if name in _REPLACEABLE else ""))
    table.add_section()
    table.add_row("data", escape(str(layout.home.path)))
    table.add_row("logs", escape(str(layout.home.logs)))
    table.add_row("target", escape(str(layout.target or ELSEWHERE)))
    return table


_REPLACEABLE = ("postgres", "nats", "triton")


def _addresses(layout: Layout) -> dict[str, str]:
    """Where each service answers. URLs given by the user may hold passwords and are not shown."""
    external, own, ports = layout.external, layout.environment(), layout.ports
    triton = ", ".join(f"{kind} {ports[f'triton_{kind}']}" for kind in ("grpc", "http", "metrics"))
    return {
        "marey": layout.api_url,
        "grpc": layout.grpc_address,
        "postgres": "$MAREY_DATABASE_URL" if external.database_url else own["MAREY_DATABASE_URL"],
        "nats": "$MAREY_NATS_URL" if external.nats_url else own["MAREY_NATS_URL"],
        "triton": "$MAREY_TRITON_URL" if external.triton_url else f"ports {triton}",
    }

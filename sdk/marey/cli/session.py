"""What every client command shares: the endpoint option, the console and the exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from marey.client import Client
from marey.errors import CannotConnectError, ConnectionLostError, MareyError, NoEndpointError, PackingError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3

endpoint_option = click.option(
    "--endpoint-url",
    metavar="URL",
    help="The server. Default: MAREY_ENDPOINT_URL, then the stack that `marey up` runs here.",
)


@contextmanager
def session(endpoint_url: str | None) -> Iterator[Client]:
    """A client; its errors become a sentence on stderr and an exit code."""
    try:
        with Client(endpoint_url) as client:
            yield client
    except MareyError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(exit_code_of(error)) from error


def exit_code_of(error: MareyError) -> int:
    """The exit code that scripts see."""
    if isinstance(error, (NoEndpointError, CannotConnectError, ConnectionLostError)):
        return EXIT_UNREACHABLE
    return EXIT_USAGE if isinstance(error, PackingError) else EXIT_FAILED

"""What every command that talks to a server shares: its options, its client and the exit codes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from marey.client import Client
from marey.errors import (
    CannotConnectError,
    ConnectionLostError,
    ForbiddenError,
    MareyApiError,
    MareyError,
    NoEndpointError,
    NotFoundError,
    PackingError,
    UnauthenticatedError,
)

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_KEY = 4
EXIT_NOT_FOUND = 5
EXIT_BUSY = 6
EXIT_CODES = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server cannot be reached, 4 the key is missing or "
    "not enough, 5 there is no such object, 6 the server is busy or not ready."
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def with_client(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options that name a server; it gets a client of that."""

    @click.option(
        "--endpoint-url",
        metavar="URL",
        help="The server. Default: the profile's, MAREY_ENDPOINT_URL, then the stack of `marey up` here.",
    )
    @click.option(
        "--profile",
        metavar="NAME",
        help="A server kept by `marey configure`. Default: MAREY_PROFILE, then `default`.",
    )
    @functools.wraps(command)
    def run(*args: object, endpoint_url: str | None, profile: str | None, **kwargs: object) -> None:
        with sentences(), Client(endpoint_url, profile=profile) as client:
            command(client, *args, **kwargs)

    return run


@contextmanager
def sentences() -> Iterator[None]:
    """The client's errors become a sentence on stderr and an exit code."""
    try:
        yield
    except MareyError as error:
        click.echo(f"Error: {error}", err=True)
        raise click.exceptions.Exit(exit_code_of(error)) from error


def exit_code_of(error: MareyError) -> int:
    """The exit code that scripts see."""
    if isinstance(error, (NoEndpointError, CannotConnectError, ConnectionLostError)):
        return EXIT_UNREACHABLE
    if isinstance(error, (UnauthenticatedError, ForbiddenError)):
        return EXIT_KEY
    if isinstance(error, NotFoundError):
        return EXIT_NOT_FOUND
    if isinstance(error, MareyApiError) and error.status in (429, 502, 503, 504):
        return EXIT_BUSY
    return EXIT_USAGE if isinstance(error, PackingError) else EXIT_FAILED

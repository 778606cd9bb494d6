"""How commands end when something is wrong that Marey has words for."""

import contextlib
import sys
from collections.abc import Iterator

import click
import marey.errors
from marey.cli.session import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_UNREACHABLE, exit_code_of

from core.errors import (
    BusError,
    InferenceUnavailableError,
    MareyError,
    NotFoundError,
    ObjectStoreError,
    StoreError,
)

_UNREACHABLE = (StoreError, BusError, ObjectStoreError, InferenceUnavailableError)


@contextlib.contextmanager
def error_sentences() -> Iterator[None]:
    """Errors of the server or the client end the command with a sentence instead of a traceback."""
    try:
        yield
    except MareyError as error:
        _end(error, server_exit_code(error))
    except marey.errors.MareyError as error:
        _end(error, exit_code_of(error))


def server_exit_code(error: MareyError) -> int:
    """The exit code that scripts see, as the client's commands have it."""
    if isinstance(error, _UNREACHABLE):
        return EXIT_UNREACHABLE
    return EXIT_NOT_FOUND if isinstance(error, NotFoundError) else EXIT_FAILED


def _end(error: Exception, exit_code: int) -> None:
    click.echo(f"Error: {error}", err=True)
    sys.exit(exit_code)

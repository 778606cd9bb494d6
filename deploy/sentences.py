"""How commands end when something is wrong that Marey has words for."""

import contextlib
import sys
from collections.abc import Iterator

import click
import marey.errors

from core.errors import MareyError

EXIT_FAILED = 1


@contextlib.contextmanager
def error_sentences() -> Iterator[None]:
    """Errors of the server or the client end the command with a sentence instead of a traceback."""
    try:
        yield
    except (MareyError, marey.errors.MareyError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_FAILED)

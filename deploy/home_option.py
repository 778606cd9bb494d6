"""`--home`, which several commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def home_option(help_text: str) -> Callable[[Command], Command]:
    """The decorator of a command that has the argument `home`."""
    return click.option(
        "--home",
        type=click.Path(file_okay=False, path_type=Path),
        envvar="MAREY_HOME",
        default=Path("~/.marey"),
        show_default="MAREY_HOME, else ~/.marey",
        help=help_text,
    )

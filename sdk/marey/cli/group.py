"""The group `marey`."""

from __future__ import annotations

import click

from marey.cli import commands
from marey.cli.plugins import PluginGroup


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="marey", prog_name="marey")
def main() -> None:
    """Marey: video of athletes in, biomechanics out.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server cannot be reached.
    """


main.add_command(commands.submit)
main.add_command(commands.job)
main.add_command(commands.jobs)
main.add_command(commands.results)
main.add_command(commands.cancel)
main.add_command(commands.redrive)

"""The group `marey`. A command is imported when it is used."""

from __future__ import annotations

from importlib import import_module

import click
from click.shell_completion import CompletionItem

from marey.cli.derived import commands_of_objects, derived_command
from marey.cli.plugins import plugin_command, plugin_names
from marey.cli.session import EXIT_CODES

_OWN = {
    "submit": "jobs",
    "upload": "jobs",
    "job": "jobs",
    "jobs": "jobs",
    "events": "jobs",
    "results": "jobs",
    "cancel": "jobs",
    "redrive": "jobs",
    "configure": "configure",
}
"""Modules of the commands that are written by hand."""


class MareyGroup(click.Group):
    """The own commands, one per operation of an object, and those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names; nothing is imported."""
        derived = [name for names in commands_of_objects().values() for name in names]
        return [*_OWN, *derived, *_plugin_names([*_OWN, *derived])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; it is imported here, when it is used."""
        if cmd_name in _OWN:
            return _own_command(cmd_name)
        return derived_command(cmd_name) or plugin_command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The own commands with their help, the others by name."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _own_command(name).get_short_help_str()) for name in _OWN])
        objects = commands_of_objects()
        with formatter.section("Objects (marey list-users --help)"):
            formatter.write_dl([(noun, _verbs(names)) for noun, names in objects.items()])
        own = [*_OWN, *(name for names in objects.values() for name in names)]
        if names := _plugin_names(own):
            with formatter.section("Server commands (marey COMMAND --help)"):
                formatter.write_text(", ".join(names))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of commands, none of which is imported for it, and the group's options."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [CompletionItem(name) for name in names] + click.Command.shell_complete(self, ctx, incomplete)


def _plugin_names(own: list[str]) -> list[str]:
    """Those that do not take the place of an own command."""
    return [name for name in plugin_names() if name not in own]


def _verbs(names: list[str]) -> str:
    """`list-users, get-`: the first in full, for its plural."""
    first, *others = names
    return ", ".join([first, *(f"{name.split('-')[0]}-" for name in others)])


def _own_command(name: str) -> click.Command:
    command = getattr(import_module(f"marey.cli.{_OWN[name]}"), name)
    assert isinstance(command, click.Command)
    return command


@click.group(cls=MareyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.version_option(package_name="marey", prog_name="marey")
def main() -> None:
    """Marey: video of athletes in, biomechanics out."""

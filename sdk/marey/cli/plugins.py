"""Commands that other distributions add to `marey` through the entry-point group `marey.commands`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

GROUP = "marey.commands"


class PluginGroup(click.Group):
    """A group that also has the installed plugins. Listing them, in help too, imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The own commands, then the plugins'."""
        own = super().list_commands(ctx)
        return own + sorted(set(_plugins()) - set(own))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command; a plugin is imported here, when it is used."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        plugin = _plugins().get(cmd_name)
        return _load(plugin) if plugin else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The own commands with their help, the plugins by name."""
        rows = [(name, self.commands[name].get_short_help_str()) for name in super().list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        if names := sorted(set(_plugins()) - set(self.commands)):
            with formatter.section("Server commands (marey COMMAND --help)"):
                formatter.write_text(", ".join(names))


def _plugins() -> dict[str, EntryPoint]:
    return {plugin.name: plugin for plugin in entry_points(group=GROUP)}


def _load(plugin: EntryPoint) -> click.Command:
    try:
        command = plugin.load()
    except Exception as error:
        owner = plugin.dist.name if plugin.dist else "an unknown distribution"
        raise click.ClickException(
            f"the command '{plugin.name}' of {owner} cannot be loaded ({plugin.value}): {error}"
        ) from error
    if not isinstance(command, click.Command):
        raise click.ClickException(
            f"expected {plugin.value} to be a click command, got {type(command).__name__}"
        )
    return command

"""Commands that other distributions add to `marey` through the entry-point group `marey.commands`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

GROUP = "marey.commands"


def plugin_names() -> list[str]:
    """Names of the installed plugins; none of them is imported."""
    return sorted(_plugins())


def plugin_command(name: str) -> click.Command | None:
    """A plugin, imported; None if there is none of this name."""
    plugin = _plugins().get(name)
    return _load(plugin) if plugin else None


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

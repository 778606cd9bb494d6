"""Commands for whoever runs an installation. They talk to its database, not to the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.console import Console
from rich.table import Table

from deploy.sentences import error_sentences

if TYPE_CHECKING:
    from orchestrator.store.levers import ProjectLevers

_home = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="MAREY_HOME",
    default=Path("~/.marey"),
    show_default="MAREY_HOME, else ~/.marey",
    help="Folder of the stack, where MAREY_DATABASE_URL is not set.",
)
_database = click.option("--database-url", envvar="MAREY_DATABASE_URL", hidden=True)


@click.command()
@click.argument("project", required=False)
@click.argument("changes", nargs=-1, metavar="[LEVER=VALUE]...")
@_home
@_database
def levers(project: str | None, changes: tuple[str, ...], home: Path, database_url: str | None) -> None:
    """Show what projects have set, or show and change the levers of PROJECT.

    LEVER=default brings the default back. Nothing needs to be started again. docs/operations.md explains the
    levers and from when on a change holds.
    """
    with error_sentences():
        asyncio.run(_levers(_database_url(home, database_url), project, parse_changes(changes)))


def parse_changes(changes: Sequence[str]) -> dict[str, object]:
    """Values by lever, from `lever=value`; None for `default`. Raises UsageError."""
    parsed: dict[str, object] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise click.UsageError(f"expected LEVER=VALUE, got {change!r}")
        parsed[name] = None if value == "default" else _value(value)
    return parsed


def _value(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


async def _levers(database_url: str, project: str | None, changes: Mapping[str, object]) -> None:
    from orchestrator.store import Store

    async with Store.open(database_url, 1) as store:
        if project is not None:
            await store.levers.change(project, changes)
        projects = await store.levers.all()
    if project is None:
        click.echo("\n".join(map(levers_line, projects)))
        return
    Console().print(*(levers_table(one) for one in projects if one.name == project))


def levers_line(project: ProjectLevers) -> str:
    """What a project has set."""
    changes = ", ".join(f"{name}={_text(value)}" for name, value in project.levers.items())
    return f"{project.name} ({project.tier}): {changes or 'defaults'}"


def levers_table(project: ProjectLevers) -> Table:
    """Every lever of a project."""
    from orchestrator.levers import DEFAULTS, Levers, read_levers

    effective = read_levers(project.levers)
    table = Table(box=None, pad_edge=False)
    for column in ("lever", project.name, "default"):
        table.add_column(column)
    for name in Levers.__struct_fields__:
        table.add_row(name, _text(getattr(effective, name)), _text(getattr(DEFAULTS, name)))
    return table


def _text(value: object) -> str:
    return "-" if value is None else str(value).lower()


def _database_url(home: Path, given: str | None) -> str:
    from deploy.embedded.postgres import postgres_url

    return given or postgres_url(home.expanduser().absolute() / "postgres")

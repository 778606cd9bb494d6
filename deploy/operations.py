"""Commands for whoever runs an installation. They talk to its database, not to the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from marey.cli.output import print_json
from marey.cli.session import json_option
from rich.console import Console
from rich.table import Table

from core.errors import ConfigurationError
from deploy.home_option import home_option
from deploy.sentences import error_sentences

if TYPE_CHECKING:
    from orchestrator.store.figures import TierFigures
    from orchestrator.store.levers import ProjectLevers

stack_home_option = home_option("Folder of the stack, where MAREY_DATABASE_URL is not set.")
database_option = click.option("--database-url", envvar="MAREY_DATABASE_URL", hidden=True)


@click.command()
@click.argument("project", required=False)
@click.argument("changes", nargs=-1, metavar="[LEVER=VALUE]...")
@json_option
@stack_home_option
@database_option
def levers(
    project: str | None, changes: tuple[str, ...], as_json: bool, home: Path, database_url: str | None
) -> None:
    """Show what projects have set, or show and change the levers of PROJECT.

    LEVER=default brings the default back. Nothing needs to be started again. docs/operations.md explains the
    levers and from when on a change holds.
    """
    with error_sentences():
        url = database_url_of(home, database_url)
        projects = asyncio.run(_levers(url, project, parse_changes(changes)))
    if as_json:
        print_json(projects)
    elif project is None:
        click.echo("\n".join(map(levers_line, projects)))
    else:
        Console().print(*map(levers_table, projects))


@click.command()
@click.option(
    "--window",
    "window_s",
    default=300.0,
    show_default=True,
    type=click.FloatRange(1, 86400),
    help="Dwell and throughput are of the runs that ended in the last so many seconds.",
)
@json_option
@stack_home_option
@database_option
def tiers(window_s: float, as_json: bool, home: Path, database_url: str | None) -> None:
    """Show per tier and project what waits, what is in flight, how long runs waited and how fast they went.

    Dwell is the time from when a run was made until a worker first took it.
    """
    with error_sentences():
        figures = asyncio.run(_tiers(database_url_of(home, database_url), window_s))
    if as_json:
        print_json(figures)
    else:
        Console().print(tiers_table(figures))


async def _tiers(database_url: str, window_s: float) -> list[TierFigures]:
    from orchestrator.store import Store

    async with Store.open(database_url, 1) as store:
        return await store.figures.tiers(window_s)


def tiers_table(figures: Sequence[TierFigures]) -> Table:
    """A line per tier, then one per project of it."""
    table = Table(box=None, pad_edge=False)
    table.add_column("tier")
    table.add_column("project")
    for column in ("waiting", "in flight", "dwell p50", "dwell p99", "frames/s"):
        table.add_column(column, justify="right")
    for row in figures:
        table.add_row(
            "" if row.project else row.tier,
            row.project or "all",
            f"{row.waiting_runs}",
            f"{row.in_flight_runs}",
            _seconds(row.dwell_p50_s),
            _seconds(row.dwell_p99_s),
            f"{row.frames_per_s:.1f}",
            style=None if row.project else "bold",
        )
    return table


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


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


async def _levers(
    database_url: str, project: str | None, changes: Mapping[str, object]
) -> list[ProjectLevers]:
    """All projects, or the one that was named, changed."""
    from orchestrator.store import Store

    async with Store.open(database_url, 1) as store:
        if project is not None:
            await store.levers.change(project, changes)
        projects = await store.levers.all()
    return [one for one in projects if project in (None, one.name)]


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


def database_url_of(home: Path, given: str | None) -> str:
    """The database that was given, or that of the stack in `home`. Raises ConfigurationError."""
    from deploy.embedded.postgres import postgres_url

    data = home.expanduser().absolute() / "postgres"
    if given is None and not data.exists():
        raise ConfigurationError(f"expected MAREY_DATABASE_URL or a stack in {home}, got none: try --home")
    return given or postgres_url(data)

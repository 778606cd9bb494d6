"""`marey clusters`: the Tritons that projects run on, and whether they can."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from marey.cli.output import print_json
from marey.cli.session import json_option
from rich.console import Console
from rich.table import Table

from core.errors import MareyError
from deploy.operations import database_option, database_url_of, stack_home_option
from deploy.sentences import error_sentences

if TYPE_CHECKING:
    from core.networks import Networks
    from orchestrator.store.levers import ProjectLevers

_DIGITS = 12
"""Of a digest, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A Triton beside the installation's own."""

    url: str
    projects: list[str]
    code: str
    """`ok`, or the code of what is wrong."""
    detail: str
    networks: Networks
    """What it serves, if it is ok."""


@click.command()
@json_option
@stack_home_option
@database_option
def clusters(as_json: bool, home: Path, database_url: str | None) -> None:
    """Show the Tritons of MAREY_CLUSTER_URLS and of projects: who runs on them, and whether they are as they
    must be.

    Each is asked now, from here: the contract of every model and a picture through all of them.
    """
    from orchestrator.environment import addresses

    with error_sentences():
        allowed = addresses(os.environ, "MAREY_CLUSTER_URLS")
        found = asyncio.run(_clusters(database_url_of(home, database_url), allowed))
    if as_json:
        print_json(found)
    elif found:
        Console().print(clusters_table(found))
    else:
        click.echo(
            "Every project runs on the installation's own Triton, and MAREY_CLUSTER_URLS names no other."
        )


def clusters_table(found: Sequence[Cluster]) -> Table:
    """A line per Triton."""
    table = Table(box=None, pad_edge=False)
    for column in ("cluster", "projects", "state", "networks"):
        table.add_column(column)
    for cluster in found:
        networks = [f"{name} {digest[:_DIGITS]}" for name, digest in sorted(cluster.networks.items())]
        state = cluster.code if cluster.code == "ok" else f"{cluster.code}: {cluster.detail}"
        table.add_row(cluster.url, ", ".join(cluster.projects) or "-", state, ", ".join(networks) or "-")
    return table


async def _clusters(database_url: str, allowed: frozenset[str]) -> list[Cluster]:
    from orchestrator.store import Store

    async with Store.open(database_url, 1) as store:
        projects = await store.levers.all()
    urls = allowed | {project.cluster_url for project in projects if project.cluster_url is not None}
    return await asyncio.gather(*(_asked(url, allowed, projects) for url in sorted(urls)))


async def _asked(url: str, allowed: frozenset[str], projects: Sequence[ProjectLevers]) -> Cluster:
    from orchestrator.clusters import open_cluster

    code, detail, networks = "ok", "", {}
    try:
        async with open_cluster(url, allowed) as triton:
            networks = await triton.networks()
    except MareyError as error:
        code, detail = error.code, str(error)
    names = [project.name for project in projects if project.cluster_url == url]
    return Cluster(url=url, projects=names, code=code, detail=detail, networks=networks)

"""Servers and keys to keep."""

from __future__ import annotations

import os

import click

from marey.cli.output import print_json
from marey.cli.session import json_option, sentences
from marey.client import Client
from marey.endpoint import checked_url
from marey.errors import MareyError
from marey.profiles import DEFAULT, Profile, kept_profile, write_profile
from marey.retry import RetryPolicy

_LOCAL = "http://127.0.0.1:8080"


@click.command()
@click.option("--profile", default=DEFAULT, show_default=True, metavar="NAME", help="Name to keep it under.")
@click.option("--endpoint-url", metavar="URL", help="The server. Asked for if it is not given.")
@json_option
def configure(profile: str, endpoint_url: str | None, as_json: bool) -> None:
    """Keep a server and the key for it, readable by you only.

    Asks for both; the key is MAREY_API_KEY's if that is set. `marey COMMAND --profile NAME` uses them.
    """
    with sentences():
        known = kept_profile(os.environ, profile)
        url = checked_url(endpoint_url or _ask_url(known))
        key = os.environ.get("MAREY_API_KEY") or click.prompt("API key", hide_input=True, err=True)
        path = write_profile(os.environ, profile, Profile(endpoint_url=url, api_key=key.strip()))
        if as_json:
            print_json({"profile": profile, "endpoint_url": url, "path": str(path)})
        else:
            click.echo(f"profile {profile}: {url}, kept in {path}")
        _warn_if_useless(url, key)


def _ask_url(known: Profile | None) -> str:
    answer: str = click.prompt("Endpoint", default=known.endpoint_url if known else _LOCAL, err=True)
    return answer


def _warn_if_useless(url: str, key: str) -> None:
    """A server may be away for now, so this is no error."""
    try:
        with Client(url, key.strip(), retry=RetryPolicy(attempts=1)) as client:
            next(client.list_jobs(page_size=1), None)
    except MareyError as error:
        click.echo(f"Warning: {error}", err=True)

"""Helpers: several tenants of one API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import httpx

from tests.services.api import RunningApi, http_client

_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of a project, with a key."""

    http: httpx.Client
    api_key: str
    ids: dict[str, int]
    """Of everything that belongs to the user alone, by table."""


@contextmanager
def new_account(api: RunningApi, role: str = "member") -> Iterator[Account]:
    """A user in a project of his own."""
    number = next(_numbers)
    ids: dict[str, int] = {}

    def make(table: str, **values: object) -> dict[str, object]:
        response = api.http.post(f"/{table}", json=values)
        assert response.status_code == 201, response.text
        made: dict[str, object] = response.json()
        ids[table] = int(str(made["id"]))
        return made

    make("project", project_name=f"project {number}")
    make("pipeline_parameter_set", pipeline_parameter_set_name=f"set {number}")
    make(
        "pipeline_parameters",
        pipeline_id=1,
        pipeline_parameter_set_id=ids["pipeline_parameter_set"],
        pipeline_parameters_name="overlay",
        pipeline_parameters_value="off",
    )
    make(
        "user_group",
        project_id=ids["project"],
        pipeline_parameter_set_id=ids["pipeline_parameter_set"],
        user_group_name=f"group {number}",
    )
    make("user", user_name="A user", user_email=f"user{number}@example.org", group_id=ids["user_group"])
    key = str(make("api_key", user_id=ids["user"], role=role, api_key_name="test")["api_key"])
    with http_client(api.url, key) as http:
        yield Account(http=http, api_key=key, ids=ids)

"""Two clients, one definition; and the public surface, pinned."""

import inspect
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import marey
import pytest
from marey.blocking import drain, run

from tests.unit.sdk.surface import surface

PINNED = Path(__file__).with_name("surface.txt")


def test_the_public_surface_is_pinned() -> None:
    """After a change that is meant: python -m tests.unit.sdk.surface > tests/unit/sdk/surface.txt"""
    assert surface() == PINNED.read_text()


def public(client: type) -> dict[str, inspect.Signature | None]:
    """Names and signatures of a client's methods."""
    members = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
    return {name: inspect.signature(m) if callable(m) else None for name, m in members.items()}


def test_both_clients_do_the_same() -> None:
    assert public(marey.Client) == public(marey.AsyncClient)
    assert inspect.signature(marey.Client) == inspect.signature(marey.AsyncClient)


def test_every_method_is_documented() -> None:
    assert [name for name in public(marey.Client) if not inspect.getdoc(getattr(marey.Client, name))] == []


def test_a_command_line_that_needs_no_server_imports_no_http() -> None:
    program = "import sys, marey.cli; print({'httpx', 'rich', 'pyarrow'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=30)
    assert result.stdout == b"set()\n"


async def numbers(closed: list[bool]) -> AsyncIterator[int]:
    try:
        for number in range(3):
            yield number
    finally:
        closed.append(True)


def test_items_come_one_at_a_time_and_leave_nothing_open() -> None:
    closed: list[bool] = []
    items = drain(numbers(closed))
    assert (next(items), next(items), closed) == (0, 1, [])
    items.close()  # type: ignore[attr-defined]
    assert closed == [True]
    assert list(drain(numbers(closed))) == [0, 1, 2]


def test_errors_pass_through() -> None:
    async def fail() -> int:
        raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        run(fail())


async def test_a_client_without_a_loop_works_beside_one() -> None:
    with marey.Client("http://127.0.0.1:9", "key", retry=marey.RetryPolicy(attempts=1)) as client:
        with pytest.raises(marey.CannotConnectError):
            client.get_job(1)
        with pytest.raises(marey.CannotConnectError):
            next(client.list_jobs())


def test_a_new_key_is_not_in_its_representation() -> None:
    fields = {"id": 1, "user_id": 2, "api_key_name": "k", "role": "member"}
    key = marey.IssuedApiKey(**fields, created_at=None, api_key="mry_secret")  # type: ignore[arg-type]
    assert "mry_secret" not in f"{key!r} {key}"

"""Fixtures: one PostgreSQL per test session, a migrated database per test."""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from deploy.embedded.postgres import binary, postgres_command, postgres_url, socket_dir
from orchestrator.store.migrate import migrate
from tests.services.running import running

TEMPLATE = "marey"
_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_data() -> Iterator[Path]:
    """Data directory of a running PostgreSQL whose database `marey` is migrated: the template.

    Not below pytest's own folder: each session of pytest closes that to other users, and root's PostgreSQL
    runs as another user.
    """
    with tempfile.TemporaryDirectory(prefix="marey-test-") as folder:
        data = Path(folder, "data")
        with running(postgres_command(data), Path(folder, "postgres.log"), lambda: _is_ready(data)):
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, migrate(postgres_url(data))).result(timeout=30)
            yield data


@pytest.fixture
def empty_database_url(postgres_data: Path) -> Iterator[str]:
    """URL of a new database without tables."""
    yield from _database(postgres_data, "template0")


@pytest.fixture
def database_url(postgres_data: Path) -> Iterator[str]:
    """URL of a new migrated database, dropped after the test."""
    yield from _database(postgres_data, TEMPLATE)


def _database(data: Path, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _run("createdb", data, "-T", template, name)
    yield postgres_url(data, name)
    _run("dropdb", data, "--force", name)


def _is_ready(data: Path) -> bool:
    command = [str(binary("pg_isready")), "-q", "-h", str(socket_dir(data)), "-U", "postgres"]
    return subprocess.run(command, check=False, timeout=10).returncode == 0


def _run(program: str, data: Path, *arguments: str) -> None:
    command = [str(binary(program)), "-h", str(socket_dir(data)), "-U", "postgres", *arguments]
    subprocess.run(command, check=True, timeout=30, capture_output=True)

"""The command line without a server: help, plugins and exit codes."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from marey.cli import main
from marey.cli.derived import commands_of_objects
from marey.cli.session import exit_code_of
from marey.errors import (
    CannotConnectError,
    ConnectionLostError,
    JobTimeoutError,
    MareyError,
    NoEndpointError,
    PackingError,
    Problem,
    api_error,
)


def run(*arguments: str, **environ: str) -> Result:
    scrubbed = {"MAREY_ENDPOINT_URL": None, "MAREY_HOME": None} | environ
    return CliRunner().invoke(main, arguments, env=scrubbed)


def derived() -> list[str]:
    """The commands that are made of the client's operations."""
    return [name for names in commands_of_objects().values() for name in names]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution with a good command, a broken one and one that is no command."""
    (tmp_path / "acme_plugin.py").write_text(
        "import click\n@click.command()\ndef hello():\n    click.echo('hello')\n\nnumber = 3\n"
    )
    (tmp_path / "acme_broken.py").write_text("import acme_missing_dependency\n")
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[marey.commands]\nhello = acme_plugin:hello\nbroken = acme_broken:x\n"
        "number = acme_plugin:number\njob = acme_broken:job\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("plugins")
def test_help_lists_plugins_without_importing_them() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("submit", "job", "jobs", "results", "hello", "broken"):
        assert name in result.output
    assert not {"acme_plugin", "acme_broken"} & set(sys.modules)


@pytest.mark.usefixtures("plugins")
def test_a_plugin_runs() -> None:
    assert run("hello").output == "hello\n"


@pytest.mark.usefixtures("plugins")
def test_a_broken_plugin_is_named_with_its_owner() -> None:
    result = run("broken")
    assert result.exit_code == 1
    assert "'broken' of acme cannot be loaded" in result.stderr
    assert "acme_missing_dependency" in result.stderr
    assert "expected acme_plugin:number to be a click command, got int" in run("number").stderr


@pytest.mark.usefixtures("plugins")
def test_a_plugin_cannot_take_the_place_of_a_command() -> None:
    assert "Show a job" in run("job", "--help").output


def test_version() -> None:
    assert version("marey") in run("--version").output


@pytest.mark.parametrize(
    "command", ["submit", "job", "jobs", "events", "results", "cancel", "redrive", *derived()]
)
def test_each_command_has_help(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    for option in ("--endpoint-url", "--profile", "--json"):
        assert option in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["submit"],
        ["submit", "a.mp4", "--overlay", "tiny"],
        ["job"],
        ["job", "x"],
        ["results"],
        ["update-user", "1"],
        ["create-user", "--user-name", "x"],
        ["create-project", "--project-name", "p", "--project-queue", "[1]"],
        ["nothing"],
    ],
)
def test_wrong_usage_is_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_missing_file_is_wrong_usage() -> None:
    result = run("submit", "missing.mp4", MAREY_ENDPOINT_URL="http://127.0.0.1:9")
    assert result.exit_code == 2
    assert "'missing.mp4', which does not exist" in result.stderr


def test_no_server_is_3(tmp_path: Path) -> None:
    result = run("jobs", MAREY_HOME=str(tmp_path))
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: no Marey is running here: start one with `marey up`")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NoEndpointError(), 3),
        (CannotConnectError(), 3),
        (ConnectionLostError(), 3),
        (PackingError(), 2),
        (JobTimeoutError(), 1),
        (api_error(Problem(status=409, code="conflict", detail="")), 1),
        (api_error(Problem(status=401, code="unauthenticated", detail="")), 4),
        (api_error(Problem(status=403, code="forbidden", detail="")), 4),
        (api_error(Problem(status=404, code="not_found", detail="")), 5),
        (api_error(Problem(status=429, code="rate_limited", detail="")), 6),
        (api_error(Problem(status=503, code="not_ready", detail="")), 6),
    ],
)
def test_exit_codes(error: MareyError, code: int) -> None:
    assert exit_code_of(error) == code

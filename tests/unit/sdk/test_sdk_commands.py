"""Commands that are made of the client's operations, profiles, and completion."""

import inspect
import json
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import click
import marey
import pytest
from click.testing import CliRunner, Result
from marey.cli import main
from marey.cli.derived import Json, commands_of_objects, derived_command

NAMES = [name for names in commands_of_objects().values() for name in names]
VERBS = ("list_", "get_", "create_", "update_", "delete_")


def test_there_is_a_command_for_each_method() -> None:
    methods = [name for name in dir(marey.Client) if name.startswith(VERBS)]
    assert sorted(name.replace("-", "_") for name in NAMES) == sorted(methods)
    by_hand = {"cancel", "redrive", "events", "results", "submit", "upload"}
    context = click.Context(main)
    assert by_hand <= set(main.list_commands(context))


@pytest.mark.parametrize("name", NAMES)
def test_a_command_takes_what_its_method_takes(name: str) -> None:
    command = derived_command(name)
    assert command is not None
    signature = inspect.signature(getattr(marey.Client, name.replace("-", "_")))
    taken = {option.name for option in command.params} - {"endpoint_url", "profile", "as_json"}
    cleared = {str(option) for option in taken if str(option).startswith("no_")}
    expected = {"limit" if known == "page_size" else known for known in signature.parameters} - {"self"}
    assert taken - cleared == expected
    needed = {known.name for known in command.params if known.required}
    defaults = {n for n, p in signature.parameters.items() if p.default is inspect.Parameter.empty}
    assert needed == defaults - {"self"}


def test_no_other_name_is_a_command() -> None:
    for name in ("list_users", "list-", "get-nothing", "close", "list-users-", ""):
        assert derived_command(name) is None


def test_json_options() -> None:
    anything, objects = Json(is_object=False), Json(is_object=True)
    for text, value in (("half", "half"), ("0.5", 0.5), ("true", True), ('"0.5"', "0.5"), ("[1]", [1])):
        assert anything.convert(text, None, None) == value
    assert objects.convert('{"tier": "priority"}', None, None) == {"tier": "priority"}
    for kind, text in (
        (anything, "null"),
        (objects, "[1]"),
        (objects, "{"),
        (objects, "half"),
        (objects, "null"),
    ):
        with pytest.raises(click.BadParameter, match="expected a JSON"):
            kind.convert(text, None, None)


def run(folder: Path, *arguments: str, typed: str = "", **environ: str) -> Result:
    """A command on a machine whose configuration is in `folder`."""
    known: dict[str, str | None] = dict.fromkeys(("MAREY_API_KEY", "MAREY_ENDPOINT_URL", "MAREY_PROFILE"))
    known |= {"XDG_CONFIG_HOME": str(folder), "MAREY_HOME": str(folder / "home")}
    return CliRunner(env=known | environ).invoke(main, arguments, input=typed)


def kept(folder: Path) -> dict[str, dict[str, str]]:
    """What is in the file of profiles."""
    content: dict[str, dict[str, dict[str, str]]] = json.loads(
        (folder / "marey" / "profiles.json").read_text()
    )
    return content["profiles"]


def test_configure_asks_and_keeps(tmp_path: Path) -> None:
    result = run(tmp_path, "configure", typed="http://127.0.0.1:9/\nmry_secret\n")
    assert result.exit_code == 0, result.output
    assert kept(tmp_path) == {"default": {"endpoint_url": "http://127.0.0.1:9", "api_key": "mry_secret"}}
    assert "mry_secret" not in result.output
    assert "Warning: no Marey answers at http://127.0.0.1:9" in result.stderr
    path = tmp_path / "marey" / "profiles.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = run(tmp_path, "configure", typed="\nmry_other\n")
    assert "[http://127.0.0.1:9]" in again.output
    assert kept(tmp_path)["default"]["api_key"] == "mry_other"


def test_configure_needs_no_terminal(tmp_path: Path) -> None:
    arguments = ("configure", "--profile", "lab", "--endpoint-url", "http://127.0.0.1:9")
    assert run(tmp_path, *arguments, MAREY_API_KEY="mry_lab").exit_code == 0
    assert kept(tmp_path)["lab"]["api_key"] == "mry_lab"
    assert "no Marey answers at http://127.0.0.1:9" in run(tmp_path, "list-users", "--profile", "lab").stderr
    missing = run(tmp_path, "jobs", "--profile", "club")
    assert (missing.exit_code, "no profile 'club'" in missing.stderr) == (3, True)


def test_configure_refuses_what_cannot_be_kept(tmp_path: Path) -> None:
    assert run(tmp_path, "configure", "--endpoint-url", "localhost:8080").exit_code == 3
    (tmp_path / "marey").write_text("a file in the place of the folder")
    result = run(tmp_path, "configure", "--endpoint-url", "http://127.0.0.1:9", MAREY_API_KEY="k")
    assert (result.exit_code, "profiles.json" in result.stderr) == (3, True), result.output


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_and_options(shell: str) -> None:
    def completed(words: str, incomplete: str) -> str:
        count = str(len(words.split()))
        environ = {
            "_MAREY_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": incomplete or count,
        }
        program = "from marey.cli import main; main(prog_name='marey')"
        command = [sys.executable, "-c", program]
        return subprocess.run(
            command, env=environ, capture_output=True, text=True, check=True, timeout=30
        ).stdout

    words = ("marey list-u", "list-u") if shell == "fish" else ("marey list-u", "1")
    assert "list-users" in completed(*words)
    words = ("marey list-users --gr", "--gr") if shell == "fish" else ("marey list-users --gr", "2")
    assert "--group-id" in completed(*words)


def commands_of_the_readme() -> list[list[str]]:
    """The words of each `marey` line in the client's README."""
    text = (Path(__file__).parents[3] / "sdk" / "README.md").read_text()
    return [shlex.split(line, comments=True)[1:] for line in text.splitlines() if line.startswith("marey ")]


@pytest.mark.parametrize("words", commands_of_the_readme(), ids=" ".join)
def test_commands_of_the_readme_are_understood(words: list[str]) -> None:
    name, *arguments = words
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.make_context(name, arguments).command is command

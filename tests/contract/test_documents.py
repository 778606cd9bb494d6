"""What the documents name is there: files, variables, modules, `make` targets, commands and their options."""

import re
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from marey.cli.group import main as marey

ROOT = Path(__file__).parents[2]
PUBLIC = (
    "api",
    "bench",
    "deploy",
    "docs",
    "examples",
    "ingest",
    "model_repository",
    "proto",
    "sdk",
    "trt_build",
)
DOCUMENTS = [*ROOT.glob("*.md"), *(path for folder in PUBLIC for path in (ROOT / folder).rglob("*.md"))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in sorted(DOCUMENTS)}
SERVER = ("api", "deploy", "orchestrator", "sdk")
NAMES_VARIABLES = ("compose.yaml", "Makefile", *(f"{folder}/**/*.py" for folder in (*SERVER, "tests")))
VARIABLE = re.compile(r"\bMAREY_[A-Z0-9_]*[A-Z0-9]\b")
CODE = re.compile(r"```.*?```|`[^`\n]+`|^    [^\n]+$", re.DOTALL | re.MULTILINE)


def variables(*patterns: str) -> set[str]:
    """Those in the files of these patterns."""
    files = [file for pattern in patterns for file in ROOT.glob(pattern)]
    return {name for file in files for name in VARIABLE.findall(file.read_text(encoding="utf-8"))}


def commands(text: str) -> set[str]:
    """The lines of code that call `marey`, from its first argument on."""
    code = "\n".join(CODE.findall(text)).replace("\\\n", " ")
    return set(re.findall(r"(?<![\w/.-])(?:\.venv/bin/)?marey ([a-z][^\n`|;#]*)", code))


def unknown(arguments: list[str]) -> list[str]:
    """The command or the options of a `marey` line that do not exist."""
    command: click.Command = marey
    while isinstance(command, click.Group) and arguments and re.fullmatch(r"[a-z_-]+", arguments[0]):
        name = arguments.pop(0)
        found = command.get_command(click.Context(command), name)
        if found is None:
            return [name]
        command = found
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    named = [option for part in arguments if (option := part.split("=")[0]).startswith("--")]
    return [option for option in named if option not in options]


def test_the_documents_are_found() -> None:
    assert {"README.md", "ARCHITECTURE.md", "docs/operations.md", "sdk/README.md"} <= set(TEXTS)


@pytest.mark.parametrize("document", TEXTS)
def test_links_lead_somewhere(document: str) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", TEXTS[document])
    files = [target for target in targets if "://" not in target]
    assert [target for target in files if not (ROOT / document).parent.joinpath(target).exists()] == []


@pytest.mark.parametrize("document", TEXTS)
def test_commands_are_those_of_marey(document: str) -> None:
    lines = commands(TEXTS[document])
    assert {line: wrong for line in lines if (wrong := unknown(line.split()))} == {}


@pytest.mark.parametrize("document", TEXTS)
def test_targets_and_modules_exist(document: str) -> None:
    code = "\n".join(CODE.findall(TEXTS[document]))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z][a-z-]*)", code))
    assert {target for target in targets if f"\n{target}: " not in makefile} == set()
    modules = set(re.findall(r"python -m ((?:bench|ingest|tests|trt_build)[\w.]*\w)", code))
    assert {module for module in modules if find_spec(module) is None} == set()


def test_every_variable_is_explained_and_read() -> None:
    told = {name for text in TEXTS.values() for name in VARIABLE.findall(text)}
    read = variables(*(f"{folder}/**/*.py" for folder in SERVER))
    assert read - told == set()
    assert told - variables(*NAMES_VARIABLES) == set()

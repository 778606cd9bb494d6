"""compose.yaml and its Dockerfile, without Docker."""

import json
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
import pytest
import yaml

from api.settings import ApiSettings
from deploy import commands
from deploy.embedded.nats import nats_command
from orchestrator.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "compose.yaml"
DOCKERFILE = ROOT / "deploy" / "compose" / "Dockerfile"
SCRIPTS = Path(sysconfig.get_path("scripts"))
TEXT = COMPOSE.read_text(encoding="utf-8")
FILE = yaml.safe_load(TEXT)
SERVICES = FILE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
MAREY = sorted(name for name in OURS if SERVICES[name]["command"][0] == "marey")
READERS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "api": ApiSettings.from_environment,
    "orchestrator": Settings.from_environment,
    "worker": Settings.from_environment,
}


class Watched(Mapping[str, str]):
    """An environment that knows what was asked of it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def filled(text: str) -> str:
    """`text` as Compose passes it on: variables have their default, else a password."""
    return re.sub(r"\$\{\w+(?::-(\w*)|:\?[^}]*)\}", lambda match: match[1] or "0123456789abcdef", text)


def environment(service: str) -> dict[str, str]:
    """What Compose gives to a service."""
    return {name: filled(value) for name, value in SERVICES[service].get("environment", {}).items()}


def program(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The outcome of a program of this environment."""
    command = [SCRIPTS / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """The Compose specification's schema comes with check-jsonschema."""
    return program("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def test_the_file_keeps_the_compose_specification(tmp_path: Path) -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(TEXT.replace("read_only: true", "readonly: true"))
    assert check_schema(wrong).returncode != 0


@pytest.mark.parametrize("service", MAREY)
def test_every_variable_is_read_by_the_service_that_gets_it(service: str, tmp_path: Path) -> None:
    values = environment(service)
    folders = {name: str(tmp_path) for name in ("MAREY_HOME",) if name in values}
    given = Watched(values | folders)
    if service in READERS:
        READERS[service](given)
    assert set(given) <= given.asked


@pytest.mark.parametrize("service", MAREY)
def test_every_command_is_one_that_its_program_has(service: str) -> None:
    _, name, *arguments = SERVICES[service]["command"]
    command = getattr(commands, name)
    assert isinstance(command, click.Command)
    command.make_context(name, list(arguments))


def test_services_find_each_other() -> None:
    addresses = environment("worker")
    context = commands.triton.make_context("triton", list(SERVICES["triton"]["command"][2:]))
    nats = json.loads((DOCKERFILE.parent / "nats.conf").read_text())
    assert addresses["MAREY_TRITON_URL"] == f"triton:{context.params['grpc_port']}"
    assert addresses["MAREY_NATS_URL"] == f"nats://nats:{nats['port']}"
    assert f"127.0.0.1:{context.params['http_port']}/" in SERVICES["triton"]["healthcheck"]["test"][-1]
    assert f"{nats['http']}/" in SERVICES["nats"]["healthcheck"]["test"][-1]
    assert f"127.0.0.1:{environment('api')['MAREY_API_PORT']}/" in SERVICES["api"]["healthcheck"]["test"][-1]
    database = SERVICES["postgres"]["environment"]
    assert f"{database['POSTGRES_USER']}:" in addresses["MAREY_DATABASE_URL"]
    assert addresses["MAREY_DATABASE_URL"].endswith(f"@postgres:5432/{database['POSTGRES_DB']}")


def test_workers_and_triton_share_memory() -> None:
    assert SERVICES["triton"]["ipc"] == "shareable"
    assert SERVICES["worker"]["ipc"] == "service:triton"


def test_no_password_is_in_the_file() -> None:
    secret = re.compile(r"PASSWORD|SECRET|(?<!ADMIN_)KEY|TOKEN")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and not name.endswith("_FILE"):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
    passwords = re.findall(r"://[^\s/@:]*:([^@\s][^@]*)@", TEXT)
    assert passwords
    assert all(password.startswith("${") and ":?" in password for password in passwords)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_container_is_confined_and_watched(service: str) -> None:
    contained = SERVICES[service]
    assert contained["read_only"] is True
    assert int(contained["user"].partition(":")[0]) > 0
    assert contained["cap_drop"] == ["ALL"]
    assert contained["security_opt"] == ["no-new-privileges:true"]
    assert contained["restart"] == "unless-stopped"
    assert contained["healthcheck"]["test"][0] == "CMD"
    assert "privileged" not in contained


def test_only_the_api_can_be_reached_and_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in published["api"])
    assert FILE["networks"]["inside"]["internal"] is True


def test_images_are_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    images = [*bases, *(service["image"] for service in SERVICES.values())]
    assert all(re.search(r":\d+\.\d+", image) for image in images), images


def test_what_python_runs_in_health_checks_is_python() -> None:
    tests = [service["healthcheck"]["test"] for service in SERVICES.values()]
    scripts = [test[-1] for test in tests if test[1] == "python"]
    for script in scripts:
        compile(script, "healthcheck", "exec")
    assert len(scripts) == 3


def test_nats_takes_its_configuration_and_it_is_the_embedded_one(tmp_path: Path) -> None:
    config = DOCKERFILE.parent / "nats.conf"
    assert FILE["configs"]["nats"]["file"] == str(config.relative_to(ROOT))
    arguments = SERVICES["nats"]["command"]
    assert arguments[1:] == ["--config", SERVICES["nats"]["configs"][0]["target"]]
    result = program(arguments[0], "-t", arguments[1], config)
    assert result.returncode == 0, result.stderr
    embedded = json.loads(Path(nats_command(tmp_path, 4222).argv[-1]).read_text())["jetstream"]
    assert json.loads(config.read_text())["jetstream"] == embedded | {"store_dir": "/var/lib/marey/nats"}


def test_the_dockerfile_is_clean() -> None:
    result = program("hadolint", DOCKERFILE)
    assert result.returncode == 0, result.stdout


def test_the_image_has_a_place_for_every_volume() -> None:
    recipe = DOCKERFILE.read_text()
    targets = {volume.partition(":")[2] for name in OURS for volume in SERVICES[name].get("volumes", [])}
    assert all(f"{target} " in f"{recipe} ".replace("\n", " ") for target in targets)
    assert {SERVICES[name]["user"] for name in OURS} == {"10001:10001"}
    assert "--uid 10001" in recipe
    assert "USER 10001:10001" in recipe
    assert environment("api")["MAREY_HOME"] in targets


def test_the_image_gets_every_package() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.findall(r'"(\w+)"', re.search(r"^packages = \[(.*?)\]", project, re.M | re.S)[1])  # type: ignore[index]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept >= {*packages, "ensembles", "sdk", "pyproject.toml", "uv.lock", "README.md"}

"""compose.yaml and its Dockerfiles, without Docker."""

import os
import re
import subprocess
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from itertools import product
from pathlib import Path

import click
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from api.settings import ApiSettings
from deploy import commands
from deploy.embedded.nats import nats_command
from deploy.embedded.triton import server_help
from orchestrator.settings import Settings
from tests.compose import (
    COMPOSE,
    FILE,
    OURS,
    ROOT,
    SERVICES,
    TEXT,
    aliases,
    enabled,
    environment,
    filled,
    named_variables,
    networks,
    required_variables,
)

FOLDER = ROOT / "deploy" / "compose"
SCRIPTS = Path(sysconfig.get_path("scripts"))
MAREY = sorted(name for name in OURS if SERVICES[name]["command"][0] == "marey")
NODES = ("nats", "nats-2", "nats-3")
CLUSTER = {"MAREY_NATS": "cluster", "MAREY_NATS_REPLICAS": "3"}
READERS: dict[str, Callable[[Mapping[str, str]], object]] = {
    "api": ApiSettings.from_environment,
    "orchestrator": Settings.from_environment,
    "worker": Settings.from_environment,
    "worker-gpu": Settings.from_environment,
}
OTHERS_READ = {
    "postgres": {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"},
    "store": {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"},
    "worker-gpu": {"NVIDIA_DRIVER_CAPABILITIES"},
    "grafana": {
        "GF_SECURITY_ADMIN_PASSWORD",
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_PLUGINS_PREINSTALL_DISABLED",
    },
}
"""Variables of the images and of NVIDIA's container runtime, as their documentation names them."""
PROFILES = [
    (target, *more)
    for target, *more in product(("cpu", "gpu"), *[((), (name,)) for name in ("cluster", "monitoring")])
]


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


def program(
    name: str, *arguments: str | Path, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The outcome of a program of this environment."""
    return subprocess.run(
        [SCRIPTS / name, *arguments],
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def check_schema(path: Path) -> subprocess.CompletedProcess[str]:
    """The Compose specification's schema comes with check-jsonschema."""
    return program("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def read_by_store_client(given: Mapping[str, str]) -> set[str]:
    """The AWS_* variables: obstore, which the S3 object store is, refuses those that it does not know."""
    known = {name: value for name, value in given.items() if name.startswith("AWS_")}
    S3Store("bucket", config={name.lower(): value for name, value in known.items()})  # type: ignore[arg-type]
    return set(known)


def test_the_file_keeps_the_compose_specification(tmp_path: Path) -> None:
    result = check_schema(COMPOSE)
    assert result.returncode == 0, result.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(TEXT.replace("read_only: true", "readonly: true"))
    assert check_schema(wrong).returncode != 0


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_variable_is_read_by_the_service_that_gets_it(service: str, tmp_path: Path) -> None:
    values = environment(service)
    folders = {name: str(tmp_path) for name in ("MAREY_HOME",) if name in values}
    given = Watched(values | folders)
    read = set(OTHERS_READ.get(service, set()))
    if service in READERS:
        READERS[service](given)
        read |= given.asked | read_by_store_client(values)
    if service in NODES:
        read |= set(re.findall(r"\$(\w+)", (ROOT / "deploy" / "nats" / "cluster.conf").read_text()))
    assert set(given) <= read


def test_a_variable_that_nobody_reads_is_found() -> None:
    with pytest.raises(BaseError):
        read_by_store_client({"AWS_REGIONS": "us-east-1"})


@pytest.mark.parametrize("service", MAREY)
def test_every_command_is_one_that_its_program_has(service: str) -> None:
    _, *arguments = SERVICES[service]["command"]
    command = entry_points(group="marey.commands")[arguments.pop(0)].load()
    while isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    command.make_context(command.name, arguments)


def weed_help() -> str:
    """What SeaweedFS' server says to `-h`."""
    return program("weed", "server", "-h").stderr


@pytest.mark.parametrize(("service", "ask"), [("triton-gpu", server_help), ("store", weed_help)])
def test_every_option_is_one_that_its_program_has(service: str, ask: Callable[[], str]) -> None:
    known = ask()
    given = [argument for argument in SERVICES[service]["command"] if argument.startswith("-")]
    assert len(given) >= 5
    for argument in given:
        assert re.search(rf"^\s*{re.escape(argument.partition('=')[0])}\b", known, re.MULTILINE), argument


@pytest.mark.parametrize("profiles", PROFILES, ids=lambda profiles: "+".join(map(str, profiles)))
def test_with_any_profiles_everything_has_what_it_waits_for(profiles: tuple[str, ...]) -> None:
    flat = [profile for part in profiles for profile in ([part] if isinstance(part, str) else part)]
    running = enabled(flat)
    for name in running:
        needs = SERVICES[name].get("depends_on", {})
        assert {other for other, how in needs.items() if how.get("required", True)} <= running, name
        assert SERVICES[name].get("ipc", "shareable").removeprefix("service:") in {*running, "shareable"}
    assert len([name for name in running if "inference" in aliases(name)]) == 1
    assert len([name for name in running if name.startswith("worker")]) == 1
    assert ("nats-3" in running) == ("cluster" in flat)


def test_services_find_each_other() -> None:
    addresses = environment("worker")
    context = commands.triton.make_context("triton", list(SERVICES["triton"]["command"][2:]))
    assert addresses["MAREY_TRITON_URL"] == f"inference:{context.params['grpc_port']}"
    for triton in ("triton", "triton-gpu"):
        assert f"127.0.0.1:{context.params['http_port']}/" in SERVICES[triton]["healthcheck"]["test"][-1]
    assert f"127.0.0.1:{environment('api')['MAREY_API_PORT']}/" in SERVICES["api"]["healthcheck"]["test"][-1]
    database = SERVICES["postgres"]["environment"]
    assert f"{database['POSTGRES_USER']}:" in addresses["MAREY_DATABASE_URL"]
    assert addresses["MAREY_DATABASE_URL"].endswith(f"@postgres:5432/{database['POSTGRES_DB']}")
    port = addresses["AWS_ENDPOINT_URL"].rpartition(":")[2]
    assert addresses["AWS_ENDPOINT_URL"] == f"http://store:{port}"
    assert f"-s3.port={port}" in SERVICES["store"]["command"]
    assert {name: addresses[name] for name in environment("store")} == environment("store")


def test_one_variable_makes_a_cluster_of_the_nodes() -> None:
    alone, together = environment("worker"), environment("worker", CLUSTER)
    assert alone["MAREY_NATS_URL"] == "nats://nats:4222"
    assert together["MAREY_NATS_URL"] == ",".join(f"nats://{node}:4222" for node in NODES)
    assert (alone["MAREY_NATS_REPLICAS"], together["MAREY_NATS_REPLICAS"]) == ("1", "3")
    for node in NODES:
        given = environment(node, CLUSTER)
        assert given["NATS_NODE"] == node
        assert given["NATS_ROUTES"] == f"[{', '.join(f'nats://{other}:6222' for other in NODES)}]"


@pytest.mark.parametrize("worker", ["worker", "worker-gpu"])
def test_workers_and_triton_share_memory(worker: str) -> None:
    triton = SERVICES[worker]["ipc"].removeprefix("service:")
    assert SERVICES[triton]["ipc"] == "shareable"
    assert SERVICES[triton]["profiles"] == SERVICES[worker]["profiles"]


def test_no_password_is_in_the_file() -> None:
    secret = re.compile(r"PASSWORD|SECRET|(?<!ADMIN_)KEY(?!_ID)|TOKEN")
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
    assert "privileged" not in contained
    if service == "engines":
        assert contained["restart"] == "no"
        return
    assert contained["restart"] == "unless-stopped"
    assert contained["healthcheck"]["test"][0] == "CMD"


def test_only_the_api_and_grafana_can_be_reached_and_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert sorted(published) == ["api", "grafana"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert FILE["networks"]["inside"]["internal"] is True
    assert {name for name in SERVICES if networks(name) != {"inside"}} == {"api", "grafana"}


def test_what_python_runs_in_health_checks_is_python() -> None:
    tests = [service["healthcheck"]["test"] for service in SERVICES.values() if "healthcheck" in service]
    scripts = [test[-1] for test in tests if test[1].startswith("python")]
    for script in scripts:
        compile(script, "healthcheck", "exec")
    assert len(scripts) == 7


@pytest.mark.parametrize("variables", [{}, CLUSTER], ids=["single", "cluster"])
def test_nats_takes_its_configuration(variables: Mapping[str, str], tmp_path: Path) -> None:
    config = ROOT / filled(FILE["configs"]["nats"]["file"], variables)
    name, *arguments = SERVICES["nats"]["command"]
    assert arguments[:2] == ["--config", SERVICES["nats"]["configs"][0]["target"]]
    result = program(name, "-t", "--config", config, *arguments[2:], variables=environment("nats", variables))
    assert result.returncode == 0, result.stderr


def test_nats_keeps_as_much_as_the_embedded_one(tmp_path: Path) -> None:
    embedded = Path(nats_command(tmp_path, 4222).argv[-1]).read_text()
    single = (ROOT / "deploy" / "nats" / "single.conf").read_text()
    for key in ("max_file_store", "max_memory_store", "sync_interval"):
        line = re.search(rf'"{key}": .*', embedded)
        assert line is not None
        assert line[0].rstrip(",") in single


def test_every_file_that_is_named_is_there() -> None:
    configs = [filled(config["file"]) for config in FILE["configs"].values()]
    recipes = [SERVICES[name]["build"]["dockerfile"] for name in OURS]
    assert {path.relative_to(ROOT).as_posix() for path in FOLDER.glob("*Dockerfile")} == set(recipes)
    assert all((ROOT / name).is_file() for name in [*configs, *recipes])
    used = {one["source"] for service in SERVICES.values() for one in service.get("configs", [])}
    assert used == set(FILE["configs"])


def test_every_named_volume_is_declared_and_used() -> None:
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {volume.split(":")[0] for volume in volumes if ":" in volume} == set(FILE["volumes"])
    assert environment("api")["MAREY_HOME"] in {volume.split(":")[1] for volume in volumes if ":" in volume}


def test_the_handbook_explains_every_variable() -> None:
    handbook = (FOLDER / "README.md").read_text()
    assert all(f"`{name}`" in handbook for name in named_variables())
    made = re.search(r"for name in ([\w ]+);", handbook)
    assert made is not None
    assert {f"MAREY_{name}_PASSWORD" for name in made[1].split()} == required_variables()

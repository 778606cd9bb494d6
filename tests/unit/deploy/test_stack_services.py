"""Which services a stack has, and how they are told of each other."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded.home import Home
from deploy.embedded.options import ExternalServices
from deploy.embedded.services import PORT_NAMES, Layout, port_names, stack_services
from deploy.embedded.status import status_table
from deploy.embedded.target import machine_target

OWN = {"orchestrator", "api", "worker"}


def layout(home: Path, **urls: str) -> Layout:
    """A stack on made-up ports."""
    ports = {name: 20_001 + index for index, name in enumerate(PORT_NAMES)}
    external = ExternalServices.from_environment(urls)
    target = None if external.triton_url else machine_target("cpu")
    return Layout(home=Home(home), ports=ports, external=external, target=target)


def test_everything_is_embedded_by_default(tmp_path: Path) -> None:
    services = stack_services(layout(tmp_path))
    assert {service.name for service in services} == OWN | {"postgres", "nats", "triton"}
    assert layout(tmp_path).environment() == {
        "MAREY_HOME": str(tmp_path),
        "MAREY_DATABASE_URL": f"postgresql://postgres@/marey?host={tmp_path / 'postgres-socket'}",
        "MAREY_NATS_URL": "nats://127.0.0.1:20002",
        "MAREY_TRITON_URL": "127.0.0.1:20004",
        "MAREY_STORE_URL": f"file://{tmp_path}/objects",
        "MAREY_CACHE_DIR": f"{tmp_path}/cache",
        "MAREY_API_HOST": "127.0.0.1",
        "MAREY_API_PORT": "20001",
        "MAREY_GRPC_PORT": "20008",
        "MAREY_ADMIN_KEY_FILE": str(tmp_path / "api-key"),
    }


@pytest.mark.parametrize(
    ("name", "url", "replaced"),
    [
        ("MAREY_DATABASE_URL", "postgresql://me:secret@db/marey", "postgres"),
        ("MAREY_NATS_URL", "nats://me:secret@bus:4222", "nats"),
        ("MAREY_TRITON_URL", "gpu:8001", "triton"),
        ("MAREY_STORE_URL", "file:///mnt/objects", None),
    ],
)
def test_a_given_url_replaces_an_embedded_service(
    tmp_path: Path, name: str, url: str, replaced: str | None
) -> None:
    given = layout(tmp_path, **{name: url})
    names = {service.name for service in stack_services(given)}
    assert names == (OWN | {"postgres", "nats", "triton"}) - {replaced}
    assert given.environment()[name] == url


def test_each_worker_has_a_port_and_a_ready_file_and_knows_of_the_others(tmp_path: Path) -> None:
    names = port_names(3)
    assert names == (*PORT_NAMES, "worker_2_metrics", "worker_3_metrics")
    ports = {name: 20_001 + index for index, name in enumerate(names)}
    services = {
        service.name: service for service in stack_services(replace(layout(tmp_path), ports=ports, workers=3))
    }
    assert services.keys() == OWN | {"postgres", "nats", "triton", "worker_2", "worker_3"}
    for name in ("worker", "worker_2", "worker_3"):
        command = services[name].command()
        assert command.argv[1:] == ("worker",)
        assert command.name == name
        assert command.env["MAREY_READY_FILE"] == str(tmp_path / f"{name}.ready")
        assert command.env["MAREY_METRICS_PORT"] == str(ports[f"{name}_metrics"])
        assert command.env["MAREY_WORKERS"] == "3"
        assert services[name].needs == services["worker"].needs
    assert "MAREY_WORKERS" not in services["orchestrator"].command().env


def test_the_status_shows_no_secrets(tmp_path: Path) -> None:
    given = layout(tmp_path, MAREY_DATABASE_URL="postgresql://me:secret@db/marey")
    given.home.write_stack({"versions": {"marey": "0.1.0", "nats": "2.15.1"}})
    cells = [cell for column in status_table(given).columns for cell in column.cells]
    assert "$MAREY_DATABASE_URL" in cells
    assert {"http://127.0.0.1:20001", "127.0.0.1:20008"} <= set(cells)
    assert any("it was asked for" in str(cell) for cell in cells)
    assert not any("secret" in str(cell) for cell in cells)

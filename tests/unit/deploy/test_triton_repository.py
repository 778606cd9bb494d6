"""The embedded Triton's runtime repository and command, without starting it."""

import json
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from deploy.embedded.triton import (
    SHARED_MEMORY,
    TritonPorts,
    build_repository,
    region_prefix,
    remove_stale_regions,
    triton_command,
)
from model_repository.contract import (
    MODELS,
    NETWORKS,
    committed_configs,
    contract_of,
    network_digest,
    read_config,
)
from model_repository.cpu_target import CpuTarget
from model_repository.targets import MODEL_FILE

TARGET = CpuTarget(cores=2)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    build_repository(TARGET, tmp_path / "runtime")
    return tmp_path / "runtime"


def test_every_model_is_there_with_its_files(repository: Path) -> None:
    for name, path in committed_configs().items():
        config = read_config(repository / "models" / name / "config.pbtxt")
        assert contract_of(config) == contract_of(read_config(path))
        if config.backend == "python":
            assert (repository / "models" / name / "1" / "model.py").is_file()
        if "model_file" in config.parameters:
            file = repository / "models" / name / "1" / config.parameters["model_file"].string_value
            assert file.is_file()


def test_networks_tell_which_file_they_serve(repository: Path) -> None:
    for name in NETWORKS:
        described = json.loads((MODELS / name / "network.json").read_text())
        config = read_config(repository / "models" / name / "config.pbtxt")
        assert network_digest(config) == described["sha256"][MODEL_FILE]


def test_the_backend_has_the_stub_of_this_python(repository: Path) -> None:
    assert (repository / "backends" / "python" / "triton_python_backend_stub").is_file()
    assert (repository / "backends" / "python" / "libtriton_python.so").is_file()


def test_building_again_replaces_what_was_there(repository: Path) -> None:
    (repository / "models" / "old").mkdir()
    build_repository(TARGET, repository)
    assert not (repository / "models" / "old").exists()


def own_detector(models: Path, side_px: int) -> Path:
    """A folder of the user's networks with a detector alone, of a square input."""
    (models / "yolo" / "1").mkdir(parents=True)
    (models / "yolo" / "1" / MODEL_FILE).write_bytes(b"own")
    text = committed_configs()["yolo"].read_text()
    (models / "yolo" / "config.pbtxt").write_text(text.replace("320, 544", f"{side_px}, {side_px}"))
    return models


def test_the_other_models_follow_the_users_network(tmp_path: Path) -> None:
    build_repository(TARGET, tmp_path / "runtime", own_detector(tmp_path / "own", 640))
    built = tmp_path / "runtime" / "models"
    assert (built / "yolo" / "1" / MODEL_FILE).read_bytes() == b"own"
    configs = {name: read_config(built / name / "config.pbtxt") for name in committed_configs()}
    assert list(configs["letterbox"].output[0].dims) == [-1, 640, 640, 3]
    assert list(configs["crop"].input[2].dims) == [-1, 8400, 5]
    assert contract_of(configs["hrnet"]) == contract_of(read_config(committed_configs()["hrnet"]))


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"expected a folder yolo or hrnet in .*, got none"):
        build_repository(TARGET, tmp_path / "runtime", tmp_path)


@pytest.mark.parametrize("missing", ["config.pbtxt", "1/model.onnx"])
def test_a_network_with_a_missing_file_is_refused(tmp_path: Path, missing: str) -> None:
    models = own_detector(tmp_path / "own", 416)
    (models / "yolo" / missing).unlink()
    with pytest.raises(ConfigurationError, match=rf"expected .*{missing}, got no such file"):
        build_repository(TARGET, tmp_path / "runtime", models)


def test_command_listens_on_this_machine_only(repository: Path) -> None:
    command = triton_command(repository, TritonPorts(http=1, grpc=2, metrics=3))
    addresses = [argument for argument in command.argv if "-address=" in argument]
    assert addresses == [f"--{service}-address=127.0.0.1" for service in ("http", "grpc", "metrics")]
    assert {"--http-port=1", "--grpc-port=2", "--metrics-port=3"} <= set(command.argv)


def test_two_repositories_have_shared_memory_of_their_own(tmp_path: Path) -> None:
    assert region_prefix(tmp_path / "one") != region_prefix(tmp_path / "two")


def test_stale_shared_memory_of_this_repository_is_removed(tmp_path: Path) -> None:
    mine = SHARED_MEMORY / f"{region_prefix(tmp_path)}stale"
    other = SHARED_MEMORY / f"{region_prefix(tmp_path / 'other')}alive"
    mine.touch()
    other.touch()
    try:
        remove_stale_regions(tmp_path)
        assert not mine.exists()
        assert other.exists()
    finally:
        other.unlink()

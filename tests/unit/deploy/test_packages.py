"""Where compiled networks are kept."""

from dataclasses import replace
from pathlib import Path

from deploy.embedded.packages import cache_folder, packages_folder
from model_repository.cuda_target import CudaTarget

TARGET = CudaTarget(gpu="NVIDIA H100 80GB HBM3", torch="2.11.0+cu130")


def test_whatever_a_package_depends_on_has_a_folder_of_its_own(tmp_path: Path) -> None:
    one, other = tmp_path / "one.onnx", tmp_path / "other.onnx"
    one.write_bytes(b"one")
    other.write_bytes(b"other")
    folders = {
        packages_folder(tmp_path, one, TARGET, "g++"),
        packages_folder(tmp_path, other, TARGET, "g++"),
        packages_folder(tmp_path, one, replace(TARGET, gpu="NVIDIA L4"), "g++"),
        packages_folder(tmp_path, one, replace(TARGET, torch="2.12.0"), "g++"),
        packages_folder(tmp_path, one, TARGET, "clang++"),
    }
    assert len(folders) == 5
    assert packages_folder(tmp_path, one, TARGET, "g++").name.endswith(
        "-NVIDIA-H100-80GB-HBM3-torch-2.11.0-cu130"
    )


def test_the_cache_is_the_users() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/big"}) == Path("/big/marey")
    assert cache_folder({}) == Path.home() / ".cache" / "marey"

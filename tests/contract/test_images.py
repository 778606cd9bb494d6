"""The images of compose.yaml and their Dockerfiles, without Docker."""

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.compose import OURS, ROOT, SERVICES

FOLDER = ROOT / "deploy" / "compose"
DOCKERFILES = sorted(FOLDER.glob("*Dockerfile"))
HADOLINT = Path(sysconfig.get_path("scripts"), "hadolint")


def test_images_are_pinned() -> None:
    bases = [base for path in DOCKERFILES for base in re.findall(r"^FROM (\S+)", path.read_text(), re.M)]
    images = [*bases, *(service["image"] for service in SERVICES.values())]
    assert all(re.search(r":v?\d+\.\d+", image) for image in images), images


def test_engines_are_built_by_the_release_that_runs_them() -> None:
    releases = {
        re.search(r"^FROM nvcr\.io/nvidia/\w+:(\S+)", (FOLDER / name).read_text(), re.M)[1]  # type: ignore[index]
        for name in ("engines.Dockerfile", "triton.Dockerfile")
    }
    assert len(releases) == 1
    out = SERVICES["engines"]["command"][-1]
    assert f"--model-repository={out}" in SERVICES["triton-gpu"]["command"]
    assert SERVICES["triton-gpu"]["depends_on"] == {
        "engines": {"condition": "service_completed_successfully"}
    }


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_dockerfiles_are_clean(path: Path) -> None:
    result = subprocess.run([HADOLINT, path], capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("service", OURS)
def test_the_image_has_a_place_for_every_volume(service: str) -> None:
    recipe = (ROOT / SERVICES[service]["build"]["dockerfile"]).read_text()
    targets = {[*volume.split(":"), ""][1] or volume for volume in SERVICES[service].get("volumes", [])}
    assert all(f"{target} " in f"{recipe} ".replace("\n", " ") for target in targets)
    assert SERVICES[service]["user"] == "10001:10001"
    assert "--uid 10001" in recipe
    assert "USER 10001:10001" in recipe


def test_the_image_gets_every_package() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    packages = re.findall(r'"(\w+)"', re.search(r"^packages = \[(.*?)\]", project, re.M | re.S)[1])  # type: ignore[index]
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept >= {*packages, "ensembles", "sdk", "pyproject.toml", "uv.lock", "README.md"}

"""The NumPy that counts is that of the Python which Triton's stubs embed."""

import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from core.errors import NumpyVersionError
from deploy.embedded.stub_numpy import check_numpy, stub_numpy
from deploy.embedded.triton import build_repository
from model_repository.cpu_target import CpuTarget


def write_numpy(folder: Path, version: str) -> None:
    """A package that says it is NumPy of a version."""
    (folder / "numpy").mkdir(parents=True)
    (folder / "numpy" / "__init__.py").write_text(f"__version__ = {version!r}\n")


@pytest.fixture
def other_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for packages of an environment whose Python Triton finds first."""
    venv.create(tmp_path / "venv")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    return next((tmp_path / "venv" / "lib").glob("python*")) / "site-packages"


def test_this_environments_numpy_is_accepted() -> None:
    assert stub_numpy() == np.__version__
    check_numpy(stub_numpy())


def test_pythonpath_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_numpy(tmp_path, "2.1.0")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert stub_numpy() == np.__version__


def test_a_stub_that_would_get_numpy_2_is_refused(other_python: Path, tmp_path: Path) -> None:
    write_numpy(other_python, "2.1.0")
    with pytest.raises(NumpyVersionError, match=r"NumPy 1, got 2\.1\.0 in .*venv: .*numpy==1\.26\.4"):
        build_repository(CpuTarget(cores=2), tmp_path / "repository")


def test_a_stub_that_would_get_no_numpy_is_refused(other_python: Path) -> None:
    assert stub_numpy() is None
    with pytest.raises(NumpyVersionError, match="got none"):
        check_numpy(stub_numpy())

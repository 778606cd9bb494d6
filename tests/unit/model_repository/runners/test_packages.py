"""A compiled network computes what its file does; here compiled for the CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from model_repository.runners.torch_cuda import packages
from tests.tiny_networks import pose_like

if TYPE_CHECKING:
    from torch import Tensor

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [pytest.mark.torch, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

OPEN_ALONE = """
import sys
from pathlib import Path

import torch

from model_repository.runners.torch_cuda.packages import open_package

rows = torch.load(sys.argv[2])
torch.save(open_package(Path(sys.argv[1]), 2)(rows), sys.argv[2])
print(sorted({"torch._inductor.codecache", "triton", "sympy"} & set(sys.modules)))
"""


def test_a_package_is_made_once_and_computes_what_the_file_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCHINDUCTOR_COMPILE_THREADS", "1")
    file, folder = pose_like(tmp_path), tmp_path / "packages"
    assert packages.missing_batches(folder, [2]) == [2]
    packages.compile_packages(folder, file, [2], device="cpu")
    assert packages.missing_batches(folder, [2]) == []
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    (tensor,) = session.get_inputs()
    rows = np.random.default_rng(0).integers(0, 256, (2, *tensor.shape[1:]), dtype=np.uint8)
    got = packages.open_package(folder, 2)(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(got, session.run(None, {tensor.name: rows})[0], atol=1e-4)
    assert opened_alone(folder, torch.from_numpy(rows), tmp_path / "rows.pt").equal(torch.from_numpy(got))


def opened_alone(folder: Path, rows: Tensor, file: Path) -> Tensor:
    """What a new process computes, which must not import the compiler: it takes longer than all the rest."""
    torch.save(rows, file)
    command = [sys.executable, "-c", OPEN_ALONE, str(folder), str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert said.stdout == "[]\n"
    loaded: Tensor = torch.load(file)
    return loaded

"""A compiled network computes what its file does; here compiled for the CPU."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from model_repository.runners.torch_cuda import packages
from tests.tiny_networks import pose_like

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = [pytest.mark.torch, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]


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

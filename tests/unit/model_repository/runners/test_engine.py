"""A plan whose library is not here is refused before anything is loaded."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from model_repository.plans import MANIFEST_NAME, BatchProfile, EngineSpec, read_spec

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
engine = pytest.importorskip("model_repository.runners.tensorrt.engine", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch


def test_a_library_that_is_not_installed_is_named(tmp_path: Path) -> None:
    spec = EngineSpec(
        network="yolo",
        onnx_sha256="0" * 64,
        builder="tensorrt-old 7.0",
        compute_capabilities=("8.9",),
        gpu=None,
        precision="fp16",
        batches=BatchProfile(tuned=8, largest=16),
    )
    (tmp_path / MANIFEST_NAME).write_bytes(msgspec.json.encode({"spec": spec}))
    with pytest.raises(ValueError, match=r"yolo: expected tensorrt-old 7\.0, which made the plan, got no"):
        engine.load_library(read_spec(tmp_path))

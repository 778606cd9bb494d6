"""The ONNX file and the PyTorch module made of it compute the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from model_repository.contract import MODELS, NETWORKS
from model_repository.targets import MODEL_FILE

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
network = pytest.importorskip(
    "model_repository.runners.torch_cuda.network", reason="PyTorch is not installed"
)
pytestmark = [pytest.mark.torch, pytest.mark.timeout(300)]

RELATIVE_MAX = 1e-3


def onnx_outputs(path: Path, pixels: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs: np.ndarray = session.run(None, {session.get_inputs()[0].name: pixels})[0]
    return outputs


def torch_outputs(path: Path, pixels: np.ndarray, dtype: object) -> np.ndarray:
    with torch.inference_mode():
        outputs: np.ndarray = network.load_network(path, dtype)(torch.from_numpy(pixels)).numpy()
    return outputs


def assert_equal(path: Path) -> None:
    rows = (2, *network.input_rows(path))
    pixels = np.random.default_rng(3).integers(0, 256, rows, dtype=np.uint8)
    expected, got = onnx_outputs(path, pixels), torch_outputs(path, pixels, torch.float32)
    assert got.dtype == np.float32
    assert np.abs(got - expected).max() <= RELATIVE_MAX * np.abs(expected).max()


@pytest.mark.parametrize("name", NETWORKS)
def test_shipped_networks_are_equal(name: str) -> None:
    assert_equal(MODELS / name / "1" / MODEL_FILE)


@pytest.mark.parametrize("kind", ["yolox_tiny", "hrnet_w32_256x192"])
def test_imported_networks_are_equal(kind: str, tmp_path: Path) -> None:
    importers = pytest.importorskip("trt_build.importers")
    torch.manual_seed(5)
    weights = importers.build(importers.WEIGHT_KINDS[kind].spec).state_dict()
    np.savez(tmp_path / "weights.npz", **{key: value.numpy() for key, value in weights.items()})
    importers.import_weights(kind, tmp_path / "weights.npz", tmp_path / "network")
    assert_equal(tmp_path / "network" / "1" / MODEL_FILE)


def test_half_precision_stays_close() -> None:
    path = MODELS / "hrnet" / "1" / MODEL_FILE
    pixels = np.random.default_rng(3).integers(0, 256, (1, *network.input_rows(path)), dtype=np.uint8)
    expected, got = (torch_outputs(path, pixels, dtype) for dtype in (torch.float32, torch.float16))
    assert np.abs(got - expected).max() <= 0.02 * np.abs(expected).max()


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 4])
    outputs = helper.make_tensor_value_info("outputs", TensorProto.UINT8, ["N", 4])
    nodes = [helper.make_node("Tile", ["pixels", "pixels"], ["outputs"])]
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", [pixels], [outputs])), tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"expected operators among .*, got Tile"):
        network.load_network(tmp_path / "m.onnx")

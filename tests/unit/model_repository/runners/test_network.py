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


@pytest.mark.parametrize(
    ("size", "stride", "pad", "pools"),
    [(5, 1, 2, 1), (9, 1, 4, 2), (13, 1, 6, 3), (7, 1, 3, 1), (9, 2, 4, 1), (9, 1, 0, 1)],
)
def test_large_max_pools_are_chains_of_small_ones(
    size: int, stride: int, pad: int, pools: int, tmp_path: Path
) -> None:
    path = tmp_path / "m.onnx"
    write_max_pool(path, size, stride, pad)
    pixels = np.random.default_rng(3).integers(0, 256, (2, 3, 40, 30), dtype=np.uint8)
    np.testing.assert_array_equal(torch_outputs(path, pixels, torch.float32), onnx_outputs(path, pixels))
    nodes = network.load_network(path, torch.float32).graph.nodes
    assert sum(node.target is torch.nn.functional.max_pool2d for node in nodes) == pools


def write_max_pool(path: Path, size: int, stride: int, pad: int) -> None:
    import onnx
    from onnx import TensorProto, helper

    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["N", 3, 40, 30])
    outputs = helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["N", 3, "H", "W"])
    nodes = [
        helper.make_node("Cast", ["pixels"], ["values"], to=TensorProto.FLOAT),
        helper.make_node(
            "MaxPool", ["values"], ["outputs"], kernel_shape=[size] * 2, strides=[stride] * 2, pads=[pad] * 4
        ),
    ]
    graph = helper.make_graph(nodes, "pool", [pixels], [outputs])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)

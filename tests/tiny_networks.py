"""Tiny exported networks."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 16


def pose_like(folder: Path) -> Path:
    """Pixels [N, 16, 16, 3] -> Conv, Relu, Conv -> heatmaps [N, 2, 16, 16]."""
    generator = np.random.default_rng(5)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32) / 50, name)

    nodes = [
        helper.make_node("Cast", ["crops"], ["floats"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], "transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "first"], ["features"], "first_conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["features"], ["active"], "relu"),
        helper.make_node("Conv", ["active", "last"], ["logits"], "last_conv"),
        helper.make_node("Sigmoid", ["logits"], ["heatmaps"], "sigmoid"),
    ]
    graph = helper.make_graph(
        nodes,
        "pose_like",
        [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("heatmaps", TensorProto.FLOAT, ["N", 2, SIDE, SIDE])],
        [weight("first", 8, 3, 3, 3), weight("last", 2, 8, 1, 1)],
    )
    path = folder / "fp32.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def pictures(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(9).integers(0, 256, (count, SIDE, SIDE, 3), dtype=np.uint8)


def detector_like(folder: Path, shift_px: float) -> Path:
    """Pixels -> two predictions, one sure, moved right by `shift_px`."""
    rows = np.array([[[10 + shift_px, 10, 4, 6, 0.9], [30, 30, 4, 4, 0.1]]], np.float32)
    nodes = [
        helper.make_node("Cast", ["images"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Unsqueeze", ["nothing", "axes"], ["wide"]),
        helper.make_node("Add", ["wide", "rows"], ["predictions"]),
    ]
    graph = helper.make_graph(
        nodes,
        "detector_like",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("predictions", TensorProto.FLOAT, ["N", 2, 5])],
        [
            numpy_helper.from_array(np.zeros(1, np.float32), "zero"),
            numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
            numpy_helper.from_array(rows, "rows"),
        ],
    )
    path = folder / f"detector_{shift_px}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path

"""Static int8: what stays float, and how shifts are measured."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.golden.fill import golden
from trt_build.quantise import box_shift, float_tail, joint_shift, joints, quantise

SIDE = 16


def pose_like(folder: Path) -> Path:
    """Pixels [N, 16, 16, 3] -> Conv, Relu, Conv -> heatmaps [N, 2, 16, 16]."""
    generator = np.random.default_rng(5)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(generator.standard_normal(shape).astype(np.float32) / 50, name)

    nodes = [
        helper.make_node("Transpose", ["crops"], ["planes"], "transpose", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], "cast", to=TensorProto.FLOAT),
        helper.make_node("Conv", ["floats", "first"], ["features"], "first_conv", pads=[1, 1, 1, 1]),
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


def test_the_last_convolution_and_what_follows_stay_float(tmp_path: Path) -> None:
    assert set(float_tail(onnx.load(pose_like(tmp_path)).graph)) == {"last_conv", "sigmoid"}


def test_int8_keeps_the_contract_and_nearly_the_output(tmp_path: Path) -> None:
    source, target = pose_like(tmp_path), tmp_path / "int8.onnx"
    quantise(source, target, [pictures(4)])
    graph = onnx.load(target).graph
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("QuantizeLinear") >= 1
    assert (graph.input[0].name, graph.output[0].name) == ("crops", "heatmaps")
    assert graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    shift = joint_shift(source, target, [pictures(4)])
    assert shift.count == 4 * 2
    assert shift.mean_px < 4 * SIDE / 4


def test_a_file_does_not_shift_against_itself(tmp_path: Path) -> None:
    source = pose_like(tmp_path)
    assert joint_shift(source, source, [pictures(2)]).p95_px == 0


def test_joints_are_the_official_ones() -> None:
    reference = golden("post_hrnet")
    peaks = joints(reference["heatmaps"])
    to_picture = reference["trans_inv_48x64"][[0, 1, 3]]
    homogeneous = np.concatenate((peaks, np.ones_like(peaks[..., :1])), axis=-1)
    placed = np.einsum("nij,nkj->nki", to_picture, homogeneous)
    seen = reference["maxvals"][..., 0] > 0
    np.testing.assert_allclose(placed[seen], reference["final_preds_post"][seen], atol=1e-3)


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


@pytest.mark.parametrize(("score", "count"), [(0.25, 3 * 2), (0.95, 0)])
def test_box_shift_counts_the_corners_of_sure_predictions(tmp_path: Path, score: float, count: int) -> None:
    shift = box_shift(detector_like(tmp_path, 0), detector_like(tmp_path, 2), [pictures(3)], score)
    assert shift.count == count
    assert shift.mean_px == pytest.approx(2.0 if count else 0.0)

"""Static int8: the contract stays, the last convolutions stay float."""

from pathlib import Path

import onnx
from onnx import TensorProto

from tests.tiny_networks import SIDE, pictures, pose_like
from trt_build.quantise import quantise
from trt_build.shifts import joint_shift


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

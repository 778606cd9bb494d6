"""fp16 inside, the same contract outside."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto

from model_repository.contract import MODELS, NETWORKS
from tests.tiny_networks import pictures, pose_like
from trt_build.cards import ONNX_PATH
from trt_build.engines.half import write_half
from trt_build.evaluation.network_inputs import crops, letterboxed
from trt_build.shifts import box_shift, joint_shift

SEEDS = range(8100, 8104)
LARGEST_SHIFT_PX = 0.5
"""Of the network's input, as the GPU targets are held to."""


def test_pixels_in_and_floats_out(tmp_path: Path) -> None:
    source, half = pose_like(tmp_path), tmp_path / "half.onnx"
    write_half(source, half)
    graph = onnx.load(half).graph
    assert graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8
    assert graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert sorted(types.values()) == [TensorProto.FLOAT, TensorProto.FLOAT16]
    assert joint_shift(source, half, [pictures(2)]).count


@pytest.mark.parametrize("network", NETWORKS)
def test_nothing_goes_through_fp16_on_its_way_between_fp32(network: str, tmp_path: Path) -> None:
    half = tmp_path / "half.onnx"
    write_half(MODELS / network / ONNX_PATH, half)
    graph = onnx.load(half).graph
    onnx.checker.check_graph(graph)
    casts = {node.output[0]: node for node in graph.node if node.op_type == "Cast"}
    assert casts
    assert not [node.name for node in casts.values() if node.input[0] in casts]
    assert graph.output[0].name not in casts


@pytest.mark.parametrize("network", NETWORKS)
def test_shipped_networks_stay_within_half_a_pixel(network: str, tmp_path: Path) -> None:
    source, half = MODELS / network / ONNX_PATH, tmp_path / "half.onnx"
    write_half(source, half)
    if network == "yolo":
        shift = box_shift(source, half, letterboxed(SEEDS, (320, 544)))
    else:
        shift = joint_shift(source, half, crops(SEEDS, (256, 192)))
    assert shift.count > 0
    assert shift.p95_px < LARGEST_SHIFT_PX

"""TensorRT before 10, which takes the types of a graph for a wish and computes in fp16 what it likes."""

from collections.abc import Collection
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
from onnx import TensorProto, shape_inference

from model_repository.graphs import float_head, float_tail

_TYPED_ALREADY = ("Cast", "Constant")
"""Nodes whose type is their own matter."""


def float_layers(onnx_file: Path) -> frozenset[str]:
    """Names of the nodes around the convolutions of `write_half`'s file that give fp32."""
    graph = shape_inference.infer_shapes(onnx.load(str(onnx_file))).graph
    around = {*float_head(graph), *float_tail(graph)}
    values = (*graph.value_info, *graph.output)
    floats = {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    return frozenset(
        node.name
        for node in graph.node
        if node.name in around and node.output[0] in floats and node.op_type not in _TYPED_ALREADY
    )


def hold_types(trt: ModuleType, network: Any, config: Any, names: Collection[str]) -> None:
    """Hold the layers called `names` to fp32; all others may be fp16."""
    config.set_flag(trt.BuilderFlag.FP16)
    config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    for layer in (network.get_layer(number) for number in range(network.num_layers)):
        if layer.name in names and layer.get_output(0).dtype in (trt.float32, trt.float16):
            layer.precision = trt.float32
            layer.set_output_type(0, trt.float32)

"""An exported network as a PyTorch module: whatever made the ONNX file, the file is the network."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from numpy.typing import NDArray
from onnx import NodeProto, numpy_helper
from torch import fx, nn
from torch.nn import functional

from model_repository.graphs import float_tail

Operator = Callable[["_Builder", NodeProto], fx.Node]


def load_network(path: Path, dtype: torch.dtype = torch.float16) -> fx.GraphModule:
    """The network of an ONNX file: one input, one output; its convolutions compute in `dtype`, channels last.

    What is done to pixels stays fp32, and so do the last convolutions and what follows, as in
    `trt_build/engines/half.py`: at 544 px fp16 counts in quarters of a pixel.
    Raises ValueError for an operator, or a use of one, that no network of Marey's has.
    """
    return _Builder(onnx.load(str(path)).graph, dtype).build()


class _Builder:
    """Writes one fx node, or a few, per node of the ONNX graph."""

    def __init__(self, source: onnx.GraphProto, dtype: torch.dtype) -> None:
        self._source = source
        self._dtype = dtype
        self._tail = set(float_tail(source))
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in source.initializer}
        self._values: dict[str, fx.Node] = {}
        self.root = nn.Module()
        self.graph = fx.Graph()

    def build(self) -> fx.GraphModule:
        """Translate every node."""
        self._values[self._source.input[0].name] = self.graph.placeholder("pixels")
        for node in self._source.node:
            if node.op_type == "Constant":
                self._constants[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
            elif node.op_type == "Identity":
                self._alias(node.output[0], node.input[0])
            elif node.op_type in _OPERATORS:
                self._values[node.output[0]] = _OPERATORS[node.op_type](self, node)
            else:
                raise ValueError(f"expected operators among {sorted(_OPERATORS)}, got {node.op_type}")
        self.graph.output(self._values[self._source.output[0].name])
        return fx.GraphModule(self.root, self.graph).eval()

    def _alias(self, name: str, of: str) -> None:
        if of in self._constants:
            self._constants[name] = self._constants[of]
        else:
            self._values[name] = self._values[of]

    def value(self, name: str) -> fx.Node:
        """What an earlier node gives, or a constant of the file as a buffer."""
        if name not in self._values:
            self._values[name] = self.buffer(torch.from_numpy(self._constants[name].copy()))
        return self._values[name]

    def values(self, node: NodeProto) -> list[fx.Node]:
        """All inputs of a node."""
        return [self.value(name) for name in node.input]

    def constant(self, name: str) -> NDArray[Any]:
        """An input that must not depend on the pixels."""
        if name not in self._constants:
            raise ValueError(f"expected a constant {name}, got one that the network computes")
        return self._constants[name]

    def numbers(self, name: str) -> list[int]:
        """A constant of whole numbers."""
        return [int(number) for number in self.constant(name)]

    def buffer(self, tensor: torch.Tensor) -> fx.Node:
        """A tensor that travels with the module."""
        name = f"constant_{len(list(self.root.buffers()))}"
        self.root.register_buffer(name, tensor)
        return self.graph.get_attr(name)

    def call(self, function: Callable[..., Any], *inputs: Any, **options: Any) -> fx.Node:
        """One fx node."""
        return self.graph.call_function(function, inputs, options)

    def conv_dtype(self, node: NodeProto) -> torch.dtype:
        """Of a convolution's weights and its input."""
        return torch.float32 if node.name in self._tail else self._dtype


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}


def _padding(node: NodeProto, pads: Sequence[int]) -> list[int]:
    """ONNX has begins before ends; PyTorch pads both sides alike."""
    half = len(pads) // 2
    if list(pads[:half]) != list(pads[half:]):
        raise ValueError(f"{node.op_type}: expected the same padding on both sides, got {list(pads)}")
    return list(pads[:half])


def _conv(builder: _Builder, node: NodeProto) -> fx.Node:
    attributes, dtype = _attributes(node), builder.conv_dtype(node)
    weight, *bias = (torch.from_numpy(builder.constant(name).copy()).to(dtype) for name in node.input[1:])
    dims = weight.dim() - 2
    return builder.call(
        functional.conv2d,
        builder.call(torch.Tensor.to, builder.value(node.input[0]), dtype),
        builder.buffer(weight.to(memory_format=torch.channels_last)),
        *(builder.buffer(each) for each in bias),
        stride=list(attributes.get("strides", [1] * dims)),
        padding=_padding(node, attributes.get("pads", [0] * 2 * dims)),
        dilation=list(attributes.get("dilations", [1] * dims)),
        groups=attributes.get("group", 1),
    )


def _max_pool(builder: _Builder, node: NodeProto) -> fx.Node:
    attributes = _attributes(node)
    strides = list(attributes["strides"])
    padding = _padding(node, attributes.get("pads", [0] * 4))
    value = builder.value(node.input[0])
    for size, around in _pools(list(attributes["kernel_shape"]), strides, padding):
        value = builder.call(functional.max_pool2d, value, size, stride=strides, padding=around)
    return value


def _pools(kernel: list[int], strides: list[int], padding: list[int]) -> list[tuple[list[int], list[int]]]:
    """Sizes and paddings of the max pools, one after another, that give what this one gives.

    The maximum of 9 x 9 or 13 x 13 is that of two or three times 5 x 5, which read 50 or 75 values for 81 or
    169. YOLOX pools one tensor with all three sizes, so the compiler finds the smaller ones there already.
    """
    size = kernel[0]
    if kernel == [size, size] and strides == [1, 1] and padding == [size // 2] * 2 and size % 4 == 1 < size:
        return [([5, 5], [2, 2])] * (size // 4)
    return [(kernel, padding)]


def _resize(builder: _Builder, node: NodeProto) -> fx.Node:
    attributes = _attributes(node)
    scales = [float(scale) for scale in builder.constant(node.input[2])]
    whole = scales[:2] == [1, 1] and all(scale == int(scale) for scale in scales)
    kind = (
        attributes.get("mode"),
        attributes.get("coordinate_transformation_mode"),
        attributes.get("nearest_mode"),
    )
    if kind != (b"nearest", b"asymmetric", b"floor") or not whole:
        raise ValueError(f"Resize: expected nearest neighbours, whole times, got {kind} by {scales}")
    return builder.call(
        functional.interpolate, builder.value(node.input[0]), scale_factor=scales[2:], mode="nearest"
    )


def _slice(builder: _Builder, node: NodeProto) -> fx.Node:
    value = builder.value(node.input[0])
    starts, ends, axes = (builder.numbers(name) for name in node.input[1:4])
    steps = builder.numbers(node.input[4]) if len(node.input) > 4 else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        value = builder.call(torch.ops.aten.slice.Tensor, value, axis, start, end, step)
    return value


def _cast(builder: _Builder, node: NodeProto) -> fx.Node:
    target = _attributes(node)["to"]
    if target != onnx.TensorProto.FLOAT:
        raise ValueError(f"Cast: expected FLOAT, got {onnx.TensorProto.DataType.Name(target)}")
    return builder.call(torch.Tensor.to, builder.value(node.input[0]), torch.float32)


def _concat(builder: _Builder, node: NodeProto) -> fx.Node:
    return builder.call(torch.cat, builder.values(node), _attributes(node)["axis"])


def _transpose(builder: _Builder, node: NodeProto) -> fx.Node:
    return builder.call(torch.permute, builder.value(node.input[0]), list(_attributes(node)["perm"]))


def _reshape(builder: _Builder, node: NodeProto) -> fx.Node:
    return builder.call(torch.reshape, builder.value(node.input[0]), builder.numbers(node.input[1]))


def _elementwise(function: Callable[..., Any]) -> Operator:
    return lambda builder, node: builder.call(function, *builder.values(node))


_OPERATORS: dict[str, Operator] = {
    "Add": _elementwise(operator.add),
    "Cast": _cast,
    "Concat": _concat,
    "Conv": _conv,
    "Exp": _elementwise(torch.exp),
    "MaxPool": _max_pool,
    "Mul": _elementwise(operator.mul),
    "Relu": _elementwise(torch.relu),
    "Reshape": _reshape,
    "Resize": _resize,
    "Sigmoid": _elementwise(torch.sigmoid),
    "Slice": _slice,
    "Sub": _elementwise(operator.sub),
    "Transpose": _transpose,
}


def input_rows(path: Path) -> tuple[int, ...]:
    """Shape of one row of the network's input."""
    shape = onnx.load(str(path), load_external_data=False).graph.input[0].type.tensor_type.shape
    return tuple(int(dimension.dim_value) for dimension in shape.dim[1:])

"""An exported network in half precision."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from model_repository.graphs import float_head, float_tail


def write_half(source: Path, target: Path) -> None:
    """Write `source` (fp32 ONNX) with its convolutions in fp16; inputs and outputs stay as they are.

    What is done to pixels stays fp32, and so do the last convolutions and what follows: at 544 px fp16 counts
    in quarters of a pixel. The types stand in the graph, as TensorRT's strongly typed networks take them.
    """
    model = onnx.load(str(source))
    kept = [*float_head(model.graph), *float_tail(model.graph)]
    half = OnnxModel(convert_float_to_float16(model, keep_io_types=True, node_block_list=kept))
    _keep_between(half)
    onnx.save(half.model, str(target))


def _keep_between(half: OnnxModel) -> None:
    """Values between two nodes that stay fp32 stay so; the conversion takes them to fp16 and back."""
    producers = half.output_name_to_node()
    outputs = {output.name for output in half.graph().output}
    for node in list(half.nodes()):
        parent = producers.get(node.input[0]) if node.input else None
        if parent is None or not (_casts(node, TensorProto.FLOAT) and _casts(parent, TensorProto.FLOAT16)):
            continue
        half.remove_node(node)
        kept, name = parent.input[0], node.output[0]
        if name in outputs:
            half.replace_output_of_all_nodes(kept, name)
            kept, name = name, kept
        half.replace_input_of_all_nodes(name, kept)
    half.prune_graph()
    half.topological_sort()


def _casts(node: onnx.NodeProto, to: int) -> bool:
    return node.op_type == "Cast" and helper.get_node_attr_value(node, "to") == to

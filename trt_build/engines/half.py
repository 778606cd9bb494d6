"""An exported network in half precision."""

from pathlib import Path

import onnx
from onnxruntime.transformers.float16 import convert_float_to_float16

from model_repository.graphs import float_head, float_tail


def write_half(source: Path, target: Path) -> None:
    """Write `source` (fp32 ONNX) with its convolutions in fp16; inputs and outputs stay as they are.

    What is done to pixels stays fp32, and so do the last convolutions and what follows: at 416 px fp16 counts
    in quarters of a pixel. The types stand in the graph, as TensorRT's strongly typed networks take them.
    """
    model = onnx.load(str(source))
    kept = [*float_head(model.graph), *float_tail(model.graph)]
    half = convert_float_to_float16(model, keep_io_types=True, node_block_list=kept)
    onnx.save(half, str(target))

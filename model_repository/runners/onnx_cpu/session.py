"""ONNX Runtime behind one call: rows in, rows out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Session = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Rows [N, ...] of the network's only input -> rows [N, ...] of its only output."""


def open_session(path: Path, threads: int) -> Session:
    """Load the network."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        outputs: list[NDArray[np.float32]] = session.run(None, {name: rows})
        return outputs[0]

    return run

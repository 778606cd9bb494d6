"""ONNX Runtime and OpenVINO behind one call: rows in, rows out."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Session = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Rows [N, ...] of the network's only input -> rows [N, ...] of its only output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """How to run a network's file."""

    path: Path
    runtime: str
    """`onnxruntime` or `openvino`."""
    threads: int


def open_session(settings: SessionSettings) -> Session:
    """Load the network; only the chosen runtime is imported."""
    openers = {"onnxruntime": _open_onnxruntime, "openvino": _open_openvino}
    if settings.runtime not in openers:
        raise ValueError(f"runtime: expected one of {sorted(openers)}, got {settings.runtime!r}")
    return openers[settings.runtime](settings)


def _open_onnxruntime(settings: SessionSettings) -> Session:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(settings.path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        outputs: list[NDArray[np.float32]] = session.run(None, {name: rows})
        return outputs[0]

    return run


def _open_openvino(settings: SessionSettings) -> Session:
    import openvino

    model = openvino.Core().compile_model(
        str(settings.path),
        "CPU",
        {"INFERENCE_NUM_THREADS": settings.threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"},
    )
    request = model.create_infer_request()

    def run(rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        request.infer([rows], share_inputs=True)
        result: NDArray[np.float32] = request.get_output_tensor(0).data.copy()
        return result

    return run

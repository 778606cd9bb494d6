"""A TensorRT plan behind one call, with what TensorRT 8.6, 10 and TensorRT-RTX share. Memory is PyTorch's."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from model_repository.plans import EngineSpec, PlanRuntime, read_spec, refusal

MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx_bindings"}
"""Python module by the name in `EngineSpec.builder`."""


class Engine:
    """One plan on one GPU, on a stream of its own; called by one thread at a time."""

    def __init__(self, trt: ModuleType, plan: bytes, largest: int, device: torch.device) -> None:
        """Raises ValueError for a plan that TensorRT does not take."""
        # Both must live as long as the engine does.
        self._logger = trt.Logger(trt.Logger.WARNING)
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise ValueError("expected a plan that TensorRT loads, got one that it refuses: see its log")
        self._context: Any = self._engine.create_execution_context()
        self._largest = largest
        self._stream = torch.cuda.Stream(device)
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        is_input = [self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT for name in names]
        self._input, self._output = names[is_input.index(True)], names[is_input.index(False)]
        self._output_row = tuple(self._engine.get_tensor_shape(self._output))[1:]

    def __call__(self, rows: Tensor) -> Tensor:
        """Rows UINT8 [N, ...] on the GPU -> rows FP32 [N, ...] there."""
        outputs = torch.empty((len(rows), *self._output_row), dtype=torch.float32, device=rows.device)
        current = torch.cuda.current_stream(rows.device)
        self._stream.wait_stream(current)
        for at in range(0, len(rows), self._largest):
            self._run(rows[at : at + self._largest], outputs[at : at + self._largest])
        current.wait_stream(self._stream)
        return outputs

    def _run(self, rows: Tensor, outputs: Tensor) -> None:
        rows = rows.contiguous()
        self._context.set_input_shape(self._input, tuple(rows.shape))
        self._context.set_tensor_address(self._input, rows.data_ptr())
        self._context.set_tensor_address(self._output, outputs.data_ptr())
        if not self._context.execute_async_v3(self._stream.cuda_stream):
            raise RuntimeError(f"expected TensorRT to run {tuple(rows.shape)}, got a refusal: see its log")


def open_engine(folder: Path, plan: Path, device: torch.device) -> Engine:
    """The `plan` whose manifest lies in `folder`. Raises ValueError with what to do if it is not for here."""
    spec = read_spec(folder)
    trt = load_library(spec)
    major, minor = torch.cuda.get_device_capability(device)
    runtime = PlanRuntime(
        library=f"{_library_name(spec)} {trt.__version__}",
        compute_capability=f"{major}.{minor}",
        gpu=torch.cuda.get_device_name(device),
    )
    if reason := refusal(spec, runtime):
        raise ValueError(reason)
    return Engine(trt, plan.read_bytes(), spec.batches.largest, device)


def load_library(spec: EngineSpec) -> ModuleType:
    """The library that made the plan. Raises ValueError where it is not installed."""
    module = MODULES.get(_library_name(spec), "")
    if not module or importlib.util.find_spec(module) is None:
        raise ValueError(f"{spec.network}: expected {spec.builder}, which made the plan, got no such library")
    return importlib.import_module(module)


def _library_name(spec: EngineSpec) -> str:
    return spec.builder.partition(" ")[0]

"""Whether PyTorch can use a GPU here."""

import json
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from deploy.embedded.cxx import compiler, compiler_problem
from deploy.own_process import Answer, ask

_TIMEOUT_S = 120.0
INSTALL = "see model_repository/README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class CudaMachine:
    """A GPU that PyTorch uses, or why there is none."""

    gpu: str = ""
    """Name of the first GPU, as PyTorch says it."""
    memory_bytes: int = 0
    torch: str = ""
    """Version of PyTorch."""
    problem: str = ""


def probe_cuda() -> CudaMachine:
    """Look at PyTorch and the compilers that it needs."""
    if problem := _missing():
        return CudaMachine(problem=problem)
    return cuda_machine(ask(__name__, _TIMEOUT_S))


def cuda_machine(answer: Answer) -> CudaMachine:
    """What `_look` found, in the process that was asked."""
    if answer.problem:
        return CudaMachine(problem=f"PyTorch cannot use the GPU: {answer.problem}")
    found = json.loads(answer.text)
    return CudaMachine(gpu=found["gpu"], memory_bytes=found["memory_bytes"], torch=found["torch"])


def _missing() -> str:
    if find_spec("torch") is None:
        return f"PyTorch is not installed: {INSTALL}"
    if find_spec("onnx") is None:
        return "the package onnx is not installed: `make setup` adds it"
    return compiler_problem(compiler(os.environ))


def _look() -> dict[str, object]:
    import torch

    if not torch.version.cuda:
        raise RuntimeError(f"{torch.__version__} was built without CUDA")
    from torch.utils.cpp_extension import CUDA_HOME

    if not CUDA_HOME:
        raise RuntimeError(
            "no CUDA toolkit, whose headers compiled networks need: install it or set CUDA_HOME"
        )
    properties = torch.cuda.get_device_properties(0)
    # Also tells whether this PyTorch gets along with the installed NumPy.
    torch.zeros(1, device="cuda").cpu().numpy()
    return {"gpu": properties.name, "memory_bytes": properties.total_memory, "torch": torch.__version__}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_look()))

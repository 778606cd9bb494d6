"""Whether PyTorch can use a GPU here. Asked in a process of its own: PyTorch is large and may be broken."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

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
    try:
        result = subprocess.run(
            # -P: the names of the files beside this one are not those of PyTorch's modules.
            [sys.executable, "-P", str(Path(__file__))],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return CudaMachine(problem=f"PyTorch did not answer in {_TIMEOUT_S:.0f} s")
    return parse_answer(result.returncode, result.stdout, result.stderr)


def parse_answer(status: int, output: str, errors: str) -> CudaMachine:
    """What the process said."""
    lines = output.strip().splitlines()
    if status == 0 and lines:
        answer = json.loads(lines[-1])
        return CudaMachine(gpu=answer["gpu"], memory_bytes=answer["memory_bytes"], torch=answer["torch"])
    reasons = errors.strip().splitlines()
    reason = reasons[-1] if reasons else f"it ended with status {status}"
    return CudaMachine(problem=f"PyTorch cannot use the GPU: {reason}")


def _missing() -> str:
    if find_spec("torch") is None:
        return f"PyTorch is not installed: {INSTALL}"
    if find_spec("onnx") is None:
        return "the package onnx is not installed: `make setup` adds it"
    if shutil.which("g++") is None:
        return "there is no C++ compiler to compile networks with: install g++"
    return ""


def _ask() -> dict[str, object]:
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
    sys.stdout.write(json.dumps(_ask()))

"""Builds and starts the drawing kernels: on a GPU through CuPy, elsewhere with the C++ compiler at hand."""

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("kernels.cu")
THREADS_PER_BLOCK = 256

# No -ffast-math: linking with it makes the whole process flush small numbers to zero.
_HOST_FLAGS = (
    "-x", "c++", "-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math",
    "-shared", "-fPIC",
)  # fmt: skip

Argument: TypeAlias = Tensor | int


class _Kernels(Protocol):
    def start(self, name: str, arguments: tuple[Argument, ...], count: int) -> None: ...


class _GpuKernels:
    """NVRTC build of the kernels; they run on PyTorch's current stream."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy
        self._module = cupy.RawModule(code=SOURCE.read_text(), options=("--std=c++17", "--use_fast_math"))

    def start(self, name: str, arguments: tuple[Argument, ...], count: int) -> None:
        values = [np.uint64(a.data_ptr()) if isinstance(a, Tensor) else np.int64(a) for a in arguments]
        stream = self._cupy.cuda.ExternalStream(torch.cuda.current_stream().cuda_stream)
        blocks = -(-count // THREADS_PER_BLOCK)
        kernel = self._module.get_function(name)
        with stream:
            kernel((blocks,), (THREADS_PER_BLOCK,), (*values, np.int64(count)))


class _HostKernels:
    """The same source as plain loops, built once per process."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "kernels.so"
            subprocess.run([host_compiler(), *_HOST_FLAGS, str(SOURCE), "-o", str(library)], check=True)
            self._library = ctypes.CDLL(str(library))

    def start(self, name: str, arguments: tuple[Argument, ...], count: int) -> None:
        values = [
            ctypes.c_void_p(a.data_ptr()) if isinstance(a, Tensor) else ctypes.c_longlong(a)
            for a in arguments
        ]
        self._library[name](*values, ctypes.c_longlong(count))


def host_compiler() -> str:
    """Path of a C++ compiler; raises FileNotFoundError where there is none."""
    for name in ("c++", "g++", "clang++"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("expected a C++ compiler (c++, g++ or clang++) on the PATH, got none")


@cache
def _kernels(device_type: str) -> _Kernels:
    return _GpuKernels() if device_type == "cuda" else _HostKernels()


def start(name: str, *arguments: Argument, count: int) -> None:
    """Run kernel `name` for indices 0..count-1. Tensors must be dense and on one device.

    Raises ValueError for a tensor that is not contiguous.
    """
    tensors = [a for a in arguments if isinstance(a, Tensor)]
    for k, tensor in enumerate(tensors):
        if not tensor.is_contiguous():
            raise ValueError(f"{name}: expected dense arrays, got strides {tensor.stride()} for tensor {k}")
    if count:
        _kernels(tensors[0].device.type).start(name, arguments, count)

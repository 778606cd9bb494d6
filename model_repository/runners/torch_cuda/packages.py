"""Compiled networks: one AOTInductor package per batch size. Made once, by a process of its own:

    python -m model_repository.runners.torch_cuda.packages FOLDER MODEL.onnx BATCH...

PyTorch is imported where there is something to compile or to open.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Package = Callable[["Tensor"], "Tensor"]
"""Rows UINT8 [B, ...] of one batch size -> rows FP32 [B, ...]."""
MODEL_NAME, RUN_SINGLE_THREADED, RUNNERS, CURRENT_DEVICE = "model", True, 1, -1
"""Of PyTorch's loader, which takes them by place."""
OPTIONS = {
    # The C++ around the kernels is recorded into a CUDA graph, so its own speed does not matter.
    "aot_inductor.compile_wrapper_opt_level": "O0",
}


def package_path(folder: Path, batch: int) -> Path:
    """Where the package of a batch size lies."""
    return folder / f"batch_{batch}.pt2"


def missing_batches(folder: Path, batches: Sequence[int]) -> list[int]:
    """Batch sizes that `folder` has no package for."""
    return [batch for batch in batches if not package_path(folder, batch).exists()]


def compile_packages(folder: Path, onnx_file: Path, batches: Sequence[int], device: str = "cuda") -> None:
    """Compile what is missing in `folder`, several batch sizes at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, onnx_file, batch, device) for batch in missing_batches(folder, batches)]
    cores = len(os.sched_getaffinity(0))
    workers = max(1, min(len(jobs), cores // 2))
    # Each would start as many compilers as there are cores.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(max(1, cores // workers)))
    if workers == 1:
        for job in jobs:
            _compile(*job)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(_compile, *job) for job in jobs]:
            done.result()


def open_package(folder: Path, batch: int) -> Package:
    """A compiled network. It must be called by one thread at a time, as CUDA graphs want it.

    `torch._inductor.aoti_load_package` makes the same loader, but imports the compiler first: seconds, where
    the loader takes hundredths. What it checks, the GPU and the version, is in the folder's name.
    """
    import torch

    if torch.cuda.is_available():
        torch.cuda.init()  # as PyTorch wants it before its C++ is used
    loader = torch._C._aoti.AOTIModelPackageLoader(
        str(package_path(folder, batch)), MODEL_NAME, RUN_SINGLE_THREADED, RUNNERS, CURRENT_DEVICE
    )
    return lambda rows: loader.boxed_run([rows])[0]


def _compile(folder: Path, onnx_file: Path, batch: int, device: str) -> None:
    """The package appears whole or not at all."""
    import torch

    from model_repository.runners.torch_cuda.network import input_rows, load_network

    dtype = torch.float16 if device == "cuda" else torch.float32
    rows = torch.zeros((batch, *input_rows(onnx_file)), dtype=torch.uint8, device=device)
    network = load_network(onnx_file, dtype).to(device)
    partial = package_path(folder, batch).with_suffix(f".{os.getpid()}.pt2")
    with torch.no_grad():
        program = torch.export.export(network, (rows,))
        torch._inductor.aoti_compile_and_package(program, package_path=str(partial), inductor_configs=OPTIONS)
    partial.rename(package_path(folder, batch))


if __name__ == "__main__":
    compile_packages(Path(sys.argv[1]), Path(sys.argv[2]), [int(batch) for batch in sys.argv[3:]])

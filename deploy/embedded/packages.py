"""Compiled networks of target `cuda`: kept in the user's cache, made anew where something changed."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from core.errors import ConfigurationError
from deploy.embedded.cxx import compiler
from model_repository.contract import CHECKOUT, MODELS
from model_repository.cuda_target import CudaTarget

_MODULE = "model_repository.runners.torch_cuda.packages"
_COMPILER = ("network.py", "packages.py")


def cache_folder(environment: Mapping[str, str]) -> Path:
    """$XDG_CACHE_HOME/marey, else ~/.cache/marey."""
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marey"


def packages_folder(cache: Path, onnx_file: Path, target: CudaTarget, cxx: str) -> Path:
    """Of one network: another file, GPU, PyTorch, compiler or version of our code has another folder."""
    sources = (onnx_file, *(MODELS / "runners" / "torch_cuda" / name for name in _COMPILER))
    parts = (cxx.encode(), *(source.read_bytes() for source in sources))
    digest = hashlib.sha256(b"".join(parts)).hexdigest()[:16]
    machine = re.sub(r"[^A-Za-z0-9.]+", "-", f"{target.gpu} torch {target.torch}")
    return cache / "networks" / f"{digest}-{machine}"


def compiler_environment(cache: Path) -> dict[str, str]:
    """Where PyTorch keeps what it compiles. It takes the CPU's own word for what the CPU can do: it would
    compile and load a library for each of its extensions, in processes of their own, at every start."""
    return {
        "TORCHINDUCTOR_VEC_ISA_OK": "1",
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "inductor"),
        "TRITON_CACHE_DIR": str(cache / "triton"),
    }


def compile_networks(networks: Mapping[Path, tuple[int, ...]], target: CudaTarget) -> dict[Path, Path]:
    """Folders of packages, for the batch sizes of each ONNX file. What is missing is compiled, all at once.

    Raises ConfigurationError with the compiler's last words.
    """
    cache = cache_folder(os.environ)
    cxx = compiler(os.environ)
    folders = {file: packages_folder(cache, file, target, cxx) for file in networks}
    running = [_start(folders[file], file, batches, cache) for file, batches in networks.items()]
    errors = [process.communicate()[1] for process in running]
    for file, process, error in zip(networks, running, errors, strict=True):
        if process.returncode:
            raise ConfigurationError(f"expected {file} to compile for {target.gpu}, got {error[-2000:]}")
    return folders


def _start(folder: Path, onnx_file: Path, batches: tuple[int, ...], cache: Path) -> subprocess.Popen[str]:
    """The process ends at once where nothing is missing."""
    return subprocess.Popen(
        [sys.executable, "-m", _MODULE, str(folder), str(onnx_file), *map(str, batches)],
        cwd=CHECKOUT,
        env={**os.environ, **compiler_environment(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )

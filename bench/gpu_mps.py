"""NVIDIA's Multi-Process Service: kernels of several processes run side by side instead of in time slices."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONTROL = "nvidia-cuda-mps-control"
"""Comes with the driver; needs no root."""


@contextmanager
def mps_daemon(folder: Path) -> Iterator[None]:
    """All that this process starts meanwhile shares the GPUs by it. Raises RuntimeError without it."""
    if shutil.which(CONTROL) is None:
        raise RuntimeError(f"expected {CONTROL}, which comes with the driver, got none")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"CUDA_MPS_PIPE_DIRECTORY": str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    subprocess.run([CONTROL, "-d"], check=True, timeout=20)
    try:
        yield
    finally:
        subprocess.run([CONTROL], input="quit\n", text=True, check=False, timeout=20)
        for log in sorted(folder.glob("*.log")):
            print(f"{log.name}: {log.read_text(errors='replace')[-500:]}", flush=True)

"""What `marey doctor` finds out about the machine."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigurationError
from deploy.doctor.nvdec import Nvdec, probe_nvdec
from deploy.embedded.cuda_probe import CudaMachine, probe_cuda
from deploy.embedded.machine import driver_version, gpu_names, usable_cores
from deploy.embedded.options import StackOptions
from deploy.embedded.ports import free_ports_among, is_free
from deploy.embedded.stub_numpy import stub_numpy
from deploy.embedded.target import TargetWish
from deploy.embedded.triton import SHARED_MEMORY, PythonBuild, check_server, python_build
from orchestrator.frame_path import FramePathSettings

PORTS_TRIED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One machine, and what `marey up` would do there."""

    home: Path
    own_triton: bool
    """Whether the stack starts a Triton of its own."""
    target: TargetWish = "auto"
    engines: Path | None = None
    """Of TensorRT, which the networks are to run in."""
    cores: int
    gpus: tuple[str, ...]
    cuda: CudaMachine
    """What PyTorch can use; nothing is asked where it does not matter."""
    driver: str | None
    """Version of NVIDIA's kernel driver."""
    nvdec: Nvdec
    triton_problem: str | None
    """Why the installed Triton does not start, if it does not."""
    python: PythonBuild | None
    """None without an installed Triton."""
    numpy: str | None
    """Version that Triton's models get."""
    frames_bytes: int
    """Shared memory for the frames of all requests in flight."""
    shared_memory_free_bytes: int | None
    """None where this process cannot write."""
    home_free_bytes: int | None
    """Likewise, of the disk."""
    free_ports: int
    """Of PORTS_TRIED."""
    api_port: int | None
    api_port_free: bool


def probe_machine(options: StackOptions) -> Facts:
    """Look at everything; starts nothing that stays, writes nothing."""
    gpus = tuple(gpu_names())
    frames = FramePathSettings()
    return Facts(
        home=options.home,
        own_triton=not options.external.triton_url,
        target=options.target,
        engines=options.engines,
        cores=usable_cores(),
        gpus=gpus,
        cuda=probe_cuda() if gpus or options.target == "cuda" else CudaMachine(),
        driver=driver_version(),
        nvdec=probe_nvdec() if gpus else Nvdec(),
        triton_problem=_triton_problem(),
        python=_python(),
        numpy=stub_numpy(),
        frames_bytes=frames.slots * frames.slot_bytes,
        shared_memory_free_bytes=_free_bytes(SHARED_MEMORY),
        home_free_bytes=_free_bytes(options.home),
        free_ports=free_ports_among(PORTS_TRIED),
        api_port=options.api_port,
        api_port_free=options.api_port is None or is_free(options.api_port),
    )


def _triton_problem() -> str | None:
    try:
        check_server()
    except ConfigurationError as error:
        return str(error)
    return None


def _python() -> PythonBuild | None:
    try:
        return python_build()
    except ConfigurationError:
        return None


def _free_bytes(path: Path) -> int | None:
    """Of the disk that `path` is or will be on; None if nothing can be written there."""
    folder = next(each for each in (path, *path.parents) if each.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return None
    return shutil.disk_usage(folder).free

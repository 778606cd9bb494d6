"""Which target a stack's own Triton runs, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.errors import ConfigurationError
from deploy.embedded.cuda_probe import CudaMachine, probe_cuda
from deploy.embedded.machine import gpu_names, usable_cores
from model_repository.cpu_target import CpuTarget
from model_repository.cuda_target import CudaTarget
from model_repository.targets import Target
from orchestrator.settings import GPU_FRAMES

TargetWish = Literal["auto", "cpu", "cuda"]

ELSEWHERE = "that of the Triton at $MAREY_TRITON_URL, which was named"

REQUESTS_IN_FLIGHT = 16
"""Two for each NVDEC engine of the largest GPUs, and some of other workers."""
_LONGEST_PROBLEM = 300
POOL_COPIES = 4
"""Of the frames in flight: `letterbox` and `crop` get one each; the rest is for outputs and fragments."""
POOL_SHARE = 8
"""The pool takes at most one part in so many of the GPU's memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChoice:
    """A target and its reason."""

    target: Target
    why: str
    gpu_pool_bytes: int = 0
    """For `triton_command`."""
    otherwise: Target | None = None
    """What serves where this does not work; None: nothing else was wanted."""

    def fallen_back(self, problem: str) -> "TargetChoice":
        """The fallback, with the first line of why this one does not work."""
        if self.otherwise is None:
            raise ValueError(f"expected a choice with a fallback, got {self}")
        first_line = problem.partition("\n")[0][:_LONGEST_PROBLEM]
        why = f"{_described(self.target)} does not work here: {first_line}"
        return TargetChoice(target=self.otherwise, why=why)

    @property
    def start_timeout_s(self) -> float:
        """What Triton may take to load everything. On a GPU its models' processes import PyTorch, open the
        networks' packages and record their graphs."""
        return 300.0 if isinstance(self.target, CudaTarget) else 120.0

    @property
    def note(self) -> str:
        """What the user should know while Triton starts."""
        if isinstance(self.target, CudaTarget) and self.target.engines is None:
            return "on the GPU; networks that are new to this machine are compiled first, which takes minutes"
        return ""

    def __str__(self) -> str:
        return f"{_described(self.target)}, because {self.why}"


def machine_target(wish: TargetWish = "auto", engines: Path | None = None) -> TargetChoice:
    """The choice on this machine; PyTorch is asked only where it matters.

    `engines` is a folder of TensorRT plans to run instead of the networks' packages.
    """
    gpus = gpu_names()
    asked = wish == "cuda" or (wish == "auto" and bool(gpus))
    cuda = probe_cuda() if asked else CudaMachine()
    return choose_target(wish, usable_cores(), gpus, cuda, engines)


def choose_target(
    wish: TargetWish,
    cores: int,
    gpus: Sequence[str],
    cuda: CudaMachine,
    engines: Path | None = None,
) -> TargetChoice:
    """`cuda` where PyTorch has a GPU, on trial unless it was asked for; else `cpu`.

    Raises ConfigurationError for a wish that cannot be.
    """
    if cuda.gpu and wish != "cpu":
        return TargetChoice(
            target=CudaTarget(gpu=cuda.gpu, torch=cuda.torch, engines=engines),
            why="it was asked for" if wish == "cuda" else "PyTorch has a GPU",
            gpu_pool_bytes=pool_bytes(GPU_FRAMES.slot_bytes, cuda.memory_bytes),
            otherwise=CpuTarget(cores=cores) if wish == "auto" and engines is None else None,
        )
    choice = TargetChoice(target=CpuTarget(cores=cores), why=_why_cpu(wish, gpus, cuda))
    if wish == "cuda":
        raise ConfigurationError(f"expected a GPU for the target cuda, got none: {cuda.problem}")
    if engines is not None:
        raise ConfigurationError(f"expected a GPU for the engines in {engines}, got the target {choice}")
    return choice


def pool_bytes(request_bytes: int, memory_bytes: int) -> int:
    """GPU memory for the frames in flight on their way through Triton's models."""
    return min(POOL_COPIES * REQUESTS_IN_FLIGHT * request_bytes, memory_bytes // POOL_SHARE)


def _described(target: Target) -> str:
    if isinstance(target, CudaTarget):
        library = f"PyTorch {target.torch}" if target.engines is None else f"engines of {target.engines}"
        return f"cuda ({library}, {target.gpu})"
    if isinstance(target, CpuTarget):
        return f"cpu (ONNX Runtime, {target.cores} core{'s' if target.cores > 1 else ''})"
    raise TypeError(f"expected a known target, got {target!r}")


def _why_cpu(wish: TargetWish, gpus: Sequence[str], cuda: CudaMachine) -> str:
    if wish == "cpu":
        return "it was asked for"
    if not gpus:
        return "NVIDIA's driver shows no GPU"
    return f"{cuda.problem}; not used: {', '.join(gpus)}"

"""TensorRT plans in a model repository: what each was made of, and which machine may run it."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

MANIFEST_NAME = "engine.json"
PLAN_PATH = Path("1", "model.plan")
"""Where Triton looks for a TensorRT plan, in the network's folder."""


class BatchProfile(msgspec.Struct, frozen=True, kw_only=True):
    """Batch sizes that an engine takes, and the one it is tuned for."""

    smallest: int = 1
    tuned: int
    largest: int

    def __post_init__(self) -> None:
        if not 1 <= self.smallest <= self.tuned <= self.largest:
            raise ValueError(f"expected 1 <= smallest <= tuned <= largest, got {self}")


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """All that decides what an engine is: of two equal ones, only one needs to be built."""

    network: str
    onnx_sha256: str
    builder: str
    """Name and version, such as `tensorrt-rtx 1.7.1.116`: a plan runs only with the version that made it."""
    compute_capabilities: tuple[str, ...]
    """GPUs that the plan runs on, such as `8.9`."""
    gpu: str | None
    """The one model of GPU that TensorRT tuned it on, such as `NVIDIA H200`; None with TensorRT-RTX."""
    precision: str
    batches: BatchProfile


class _Manifest(msgspec.Struct, frozen=True):
    spec: EngineSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRuntime:
    """What would run a plan on a machine."""

    library: str
    """Name and version, as in `EngineSpec.builder`."""
    compute_capability: str
    gpu: str


def read_spec(folder: Path) -> EngineSpec:
    """What the plan in a network's `folder` was made of. Raises OSError or msgspec.DecodeError."""
    return msgspec.json.decode((folder / MANIFEST_NAME).read_bytes(), type=_Manifest).spec


def refusal(spec: EngineSpec, runtime: PlanRuntime) -> str | None:
    """Why `runtime` must not run the plan of `spec`, and what to do; None if it may."""
    capabilities = " or ".join(spec.compute_capabilities)
    remedy = "Build it here: marey models engines"
    if spec.builder != runtime.library:
        return f"{spec.network}: expected a plan of {runtime.library}, got one of {spec.builder}. {remedy}"
    if runtime.compute_capability not in spec.compute_capabilities:
        return (
            f"{spec.network}: expected a plan for compute capability {runtime.compute_capability} "
            f"({runtime.gpu}), got one for {capabilities}. {remedy}"
        )
    if spec.gpu not in (None, runtime.gpu):
        return f"{spec.network}: expected a plan tuned on {runtime.gpu}, got one for {spec.gpu}. {remedy}"
    return None

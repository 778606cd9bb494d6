"""ONNX -> plan: TensorRT for this machine's GPU, TensorRT-RTX for RTX GPUs. Only this file speaks to them.

Both have nearly the same API. TensorRT comes with NVIDIA's images and tunes on the GPU that it finds;
TensorRT-RTX comes from wheels and compiles for GPUs that it is told, without having one.
"""

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from core.errors import ConfigurationError
from model_repository.plans import BatchProfile
from trt_build.engines.gpu import first_gpu
from trt_build.engines.weak_types import float_layers, hold_types


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of the two libraries."""

    name: str
    module: str
    remedy: str
    """How to get it."""


TENSORRT = Kind(
    name="tensorrt", module="tensorrt", remedy="it is in NVIDIA's image (deploy/compose/engines.Dockerfile)"
)
TENSORRT_RTX = Kind(
    name="tensorrt-rtx",
    module="tensorrt_rtx_bindings",
    remedy="sh deploy/setup.sh --inexact --group tensorrt-rtx",
)
_STRONGLY_TYPED = "STRONGLY_TYPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTarget:
    """What plans are built with, and for."""

    kind: Kind
    compute_capabilities: tuple[str, ...]
    gpu: str | None
    """The model that TensorRT tunes on; None with TensorRT-RTX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltPlan:
    """A plan, and what makes the next one quicker."""

    plan: bytes
    timing_cache: bytes
    """TensorRT's measurements of kernels; empty with TensorRT-RTX, which has none."""


def is_installed(kind: Kind) -> bool:
    """Whether plans of this kind can be built here."""
    return importlib.util.find_spec(kind.module) is not None


def build_target(capabilities: tuple[str, ...]) -> BuildTarget:
    """TensorRT-RTX for the RTX GPUs named by compute capability; none named: TensorRT for this machine's GPU.

    Raises ConfigurationError where the library or the GPU is missing, and for GPUs that it does not take.
    """
    if not capabilities:
        _load(TENSORRT)
        gpu = first_gpu()
        return BuildTarget(kind=TENSORRT, compute_capabilities=(gpu.compute_capability,), gpu=gpu.name)
    check_capabilities(capabilities, supported_capabilities())
    return BuildTarget(kind=TENSORRT_RTX, compute_capabilities=capabilities, gpu=None)


def builder_name(kind: Kind) -> str:
    """Name and version, as in `EngineSpec.builder`. Raises ConfigurationError where it is not installed."""
    return f"{kind.name} {_load(kind).__version__}"


def supported_capabilities() -> tuple[str, ...]:
    """Compute capabilities that TensorRT-RTX builds for, such as `8.9`, in order."""
    members = _load(TENSORRT_RTX).ComputeCapability.__members__
    numbers = sorted(int(name[2:]) for name in members if name.startswith("SM"))
    return tuple(f"{number // 10}.{number % 10}" for number in numbers)


def check_capabilities(wanted: tuple[str, ...], supported: tuple[str, ...]) -> None:
    """Raise ConfigurationError unless all that is wanted is supported."""
    if not set(wanted) <= set(supported):
        raise ConfigurationError(
            f"expected compute capabilities among {', '.join(supported)}, got {', '.join(wanted)}; "
            "data-centre GPUs such as 9.0 need TensorRT, on the machine itself and without --gpu"
        )


def build_plan(
    onnx_file: Path, batches: BatchProfile, target: BuildTarget, timing_cache: bytes = b""
) -> BuiltPlan:
    """The plan of a network with one input [N, ...], N within `batches`, of the types that its graph has.

    `timing_cache` is that of an earlier plan of the same version and GPU. Raises ConfigurationError for a
    network that the library does not take, with its reason.
    """
    trt, name = _load(target.kind), target.kind.name
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(network_flags(trt))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx_file.read_bytes()):
        reasons = "; ".join(parser.get_error(k).desc() for k in range(parser.num_errors))
        raise ConfigurationError(f"expected a network that {name} takes, got {onnx_file}: {reasons}")
    config = builder.create_builder_config()
    config.add_optimization_profile(_profile(builder, network.get_input(0), batches))
    cache = None
    if target.kind == TENSORRT_RTX:
        _set_capabilities(trt, config, target.compute_capabilities)
    else:
        # Must live as long as the building does.
        cache = config.create_timing_cache(timing_cache)
        config.set_timing_cache(cache, False)
        if not is_strongly_typed(trt):
            hold_types(trt, network, config, float_layers(onnx_file))
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ConfigurationError(f"expected a network that {name} builds, got {onnx_file}: see above")
    return BuiltPlan(plan=bytes(plan), timing_cache=bytes(cache.serialize()) if cache else b"")


def is_strongly_typed(trt: ModuleType) -> bool:
    """Whether networks of this library compute in the types that their graphs have."""
    return _STRONGLY_TYPED in trt.NetworkDefinitionCreationFlag.__members__


def network_flags(trt: ModuleType) -> int:
    """Types as the graph has them, where that can be asked for; before 10, explicit batches."""
    known = trt.NetworkDefinitionCreationFlag.__members__
    flags = [1 << int(known[name]) for name in (_STRONGLY_TYPED, "EXPLICIT_BATCH") if name in known]
    return flags[0] if flags else 0


def _set_capabilities(trt: ModuleType, config: Any, capabilities: tuple[str, ...]) -> None:
    config.num_compute_capabilities = len(capabilities)
    for k, capability in enumerate(capabilities):
        member = "SM" + capability.replace(".", "")
        config.set_compute_capability(trt.ComputeCapability.__members__[member], k)


def _profile(builder: Any, tensor: Any, batches: BatchProfile) -> Any:
    profile = builder.create_optimization_profile()
    sizes = (batches.smallest, batches.tuned, batches.largest)
    profile.set_shape(tensor.name, *((size, *tensor.shape[1:]) for size in sizes))
    return profile


def _load(kind: Kind) -> ModuleType:
    if not is_installed(kind):
        raise ConfigurationError(
            f"expected {kind.name}, which builds engines, got an environment without it: {kind.remedy}"
        )
    return importlib.import_module(kind.module)

"""TensorRT-RTX: plans for RTX GPUs, compiled without one. The only file that speaks to it."""

import importlib
import importlib.metadata
import importlib.util
from pathlib import Path
from types import ModuleType

from core.errors import ConfigurationError
from trt_build.engines.specs import BatchProfile

DISTRIBUTION = "tensorrt-rtx-cu13-bindings"
MODULE = "tensorrt_rtx_bindings"


def is_installed() -> bool:
    """Whether plans can be built here."""
    return importlib.util.find_spec(MODULE) is not None


def builder_name() -> str:
    """Name and version, as in `EngineSpec.builder`. Raises ConfigurationError where it is not installed."""
    _load()
    return f"tensorrt-rtx {importlib.metadata.version(DISTRIBUTION)}"


def supported_capabilities() -> tuple[str, ...]:
    """Compute capabilities that plans can be built for, such as `8.9`, in order."""
    members = _load().ComputeCapability.__members__
    numbers = sorted(int(name[2:]) for name in members if name.startswith("SM"))
    return tuple(f"{number // 10}.{number % 10}" for number in numbers)


def build_plan(onnx_file: Path, batches: BatchProfile, capabilities: tuple[str, ...]) -> bytes:
    """The plan of a network with one input [N, ...], N within `batches`, of the types that its graph has.

    Raises ConfigurationError for a capability or a network that TensorRT-RTX does not take, with its reason.
    """
    trt = _load()
    check_capabilities(capabilities, supported_capabilities())
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(onnx_file.read_bytes()):
        reasons = "; ".join(parser.get_error(k).desc() for k in range(parser.num_errors))
        raise ConfigurationError(f"expected a network that TensorRT-RTX takes, got {onnx_file}: {reasons}")
    config = builder.create_builder_config()
    config.num_compute_capabilities = len(capabilities)
    for k, capability in enumerate(capabilities):
        name = "SM" + capability.replace(".", "")
        config.set_compute_capability(trt.ComputeCapability.__members__[name], k)
    profile = builder.create_optimization_profile()
    tensor = network.get_input(0)
    sizes = (batches.smallest, batches.tuned, batches.largest)
    profile.set_shape(tensor.name, *((size, *tensor.shape[1:]) for size in sizes))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ConfigurationError(f"expected a network that TensorRT-RTX builds, got {onnx_file}: see above")
    return bytes(plan)


def check_capabilities(wanted: tuple[str, ...], supported: tuple[str, ...]) -> None:
    """Raise ConfigurationError unless there is something to build for, and all of it is supported."""
    if not wanted or not set(wanted) <= set(supported):
        raise ConfigurationError(
            f"expected compute capabilities among {', '.join(supported)}, got {', '.join(wanted) or 'none'}; "
            "data-centre GPUs such as 9.0 need TensorRT"
        )


def _load() -> ModuleType:
    if not is_installed():
        raise ConfigurationError(
            "expected TensorRT-RTX, which builds engines, got an environment without it: "
            "sh deploy/setup.sh --inexact --group tensorrt-rtx"
        )
    return importlib.import_module(MODULE)

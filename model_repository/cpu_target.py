"""Target `cpu`: the committed configurations, rendered for Triton's Python backend on some cores."""

from dataclasses import dataclass
from enum import StrEnum

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

NETWORK_PLATFORM = "tensorrt_plan"
"""Platform of the committed network configurations."""


class Precision(StrEnum):
    """Which of a network's files runs."""

    FP32 = "fp32"
    """The weights as trained."""
    FAST = "fast"
    """The fastest file whose joints stay within a pixel of fp32 (bench/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRun:
    """How one network runs on a CPU."""

    runtime: str
    """`onnxruntime` or `openvino`."""
    model_file: str
    """In the version's directory."""
    rows_per_step: int
    """Rows that go through the network together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTarget:
    """The machine to render for."""

    cores: int
    precision: Precision = Precision.FAST

    def run_of(self, network: str) -> NetworkRun:
        """Settings of a network, as measured."""
        return RUNS[self.precision][network]


RUNS = {
    Precision.FP32: {
        "yolo": NetworkRun(runtime="onnxruntime", model_file="model.onnx", rows_per_step=1),
        "hrnet": NetworkRun(runtime="onnxruntime", model_file="model.onnx", rows_per_step=4),
    },
    Precision.FAST: {
        "yolo": NetworkRun(runtime="onnxruntime", model_file="model.onnx", rows_per_step=1),
        "hrnet": NetworkRun(runtime="onnxruntime", model_file="model.onnx", rows_per_step=4),
    },
}


def render(config: ModelConfig, target: CpuTarget) -> ModelConfig:
    """A copy of a committed configuration for `target`; names, tensors and batch sizes stay."""
    rendered = ModelConfig()
    rendered.CopyFrom(config)
    if rendered.HasField("ensemble_scheduling"):
        return rendered
    rendered.parameters.pop("FORCE_CPU_ONLY_INPUT_TENSORS", None)
    if rendered.platform == NETWORK_PLATFORM:
        _render_network(rendered, target)
    else:
        _set_instances(rendered, 1)
    return rendered


def _render_network(config: ModelConfig, target: CpuTarget) -> None:
    """One instance of one thread per core: a network of this size gains little from a second thread."""
    run = target.run_of(config.name)
    config.ClearField("platform")
    config.backend = "python"
    _set_instances(config, target.cores)
    config.dynamic_batching.ClearField("preferred_batch_size")
    config.dynamic_batching.ClearField("max_queue_delay_microseconds")
    for key, value in (
        ("runtime", run.runtime),
        ("model_file", run.model_file),
        ("rows_per_step", str(run.rows_per_step)),
        ("threads", "1"),
    ):
        config.parameters[key].string_value = value


def _set_instances(config: ModelConfig, count: int) -> None:
    config.ClearField("instance_group")
    config.instance_group.add(kind=ModelInstanceGroup.KIND_CPU, count=count)

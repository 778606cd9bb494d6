"""Target `cpu`: the committed configurations, rendered for Triton's Python backend on some cores."""

from dataclasses import dataclass

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

NETWORK_PLATFORM = "tensorrt_plan"
"""Platform of the committed network configurations."""


MODEL_FILE = "model.onnx"
"""A network, in its version's directory."""
ROWS_PER_STEP = {"yolo": 1, "hrnet": 4}
"""Rows that go through a network together, as measured (bench/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTarget:
    """The machine to render for."""

    cores: int


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
    config.ClearField("platform")
    config.backend = "python"
    _set_instances(config, target.cores)
    config.dynamic_batching.ClearField("preferred_batch_size")
    config.dynamic_batching.ClearField("max_queue_delay_microseconds")
    for key, value in (
        ("model_file", MODEL_FILE),
        ("rows_per_step", str(ROWS_PER_STEP[config.name])),
        ("threads", "1"),
    ):
        config.parameters[key].string_value = value


def _set_instances(config: ModelConfig, count: int) -> None:
    config.ClearField("instance_group")
    config.instance_group.add(kind=ModelInstanceGroup.KIND_CPU, count=count)

"""Target `cpu`: Triton's Python backend and ONNX Runtime on some cores."""

from dataclasses import dataclass

from tritonclient.grpc.model_config_pb2 import ModelConfig, ModelInstanceGroup

from model_repository.targets import set_parameters

ROWS_PER_STEP = {"yolo": 1, "hrnet": 4}
"""Rows that go through a network together, as measured (bench/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTarget:
    """The machine to render for."""

    cores: int

    @property
    def runner(self) -> str:
        """ONNX Runtime."""
        return "onnx_cpu"

    def adapt_glue(self, config: ModelConfig) -> None:
        """One instance, on the CPU."""
        config.parameters.pop("FORCE_CPU_ONLY_INPUT_TENSORS", None)
        _set_instances(config, 1)

    def adapt_network(self, config: ModelConfig) -> None:
        """One instance of one thread per core: a network of this size gains little from a second thread."""
        _set_instances(config, self.cores)
        config.dynamic_batching.ClearField("preferred_batch_size")
        config.dynamic_batching.ClearField("max_queue_delay_microseconds")
        set_parameters(config, rows_per_step=str(ROWS_PER_STEP[config.name]), threads="1")


def _set_instances(config: ModelConfig, count: int) -> None:
    config.ClearField("instance_group")
    config.instance_group.add(kind=ModelInstanceGroup.KIND_CPU, count=count)

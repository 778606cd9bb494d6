"""Where the networks run: the committed configurations, rendered for a target. Pure."""

from typing import Protocol

from tritonclient.grpc.model_config_pb2 import ModelConfig

NETWORK_PLATFORM = "tensorrt_plan"
"""Platform of the committed network configurations."""
MODEL_FILE = "model.onnx"
"""A network, in its version's directory."""


class Target(Protocol):
    """A kind of machine, and how its Python backend runs models."""

    @property
    def runner(self) -> str:
        """Folder in `runners/` of the Triton model that runs networks."""

    def adapt_glue(self, config: ModelConfig) -> None:
        """Change a copy of a glue model's configuration."""

    def adapt_network(self, config: ModelConfig) -> None:
        """Change a copy of a network's configuration, which is the Python backend's by then."""


def render(config: ModelConfig, target: Target) -> ModelConfig:
    """A copy of a committed configuration for `target`; names, tensors and batch sizes stay."""
    rendered = ModelConfig()
    rendered.CopyFrom(config)
    if rendered.HasField("ensemble_scheduling"):
        return rendered
    if rendered.platform != NETWORK_PLATFORM:
        target.adapt_glue(rendered)
        return rendered
    rendered.ClearField("platform")
    rendered.backend = "python"
    rendered.parameters["model_file"].string_value = MODEL_FILE
    target.adapt_network(rendered)
    return rendered


def set_parameters(config: ModelConfig, **values: str) -> None:
    """Parameters that a model reads at its start."""
    for key, value in values.items():
        config.parameters[key].string_value = value

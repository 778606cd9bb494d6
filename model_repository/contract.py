"""The models' contract: what the committed config.pbtxt files say, read with Triton's own protobuf."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import DataType, ModelInput, ModelOutput
from tritonclient.grpc.model_config_pb2 import ModelConfig as ModelConfig

from core.errors import ConfigurationError, ModelContractError
from core.networks import UNKNOWN

CHECKOUT = Path(__file__).resolve().parents[1]
MODELS = CHECKOUT / "model_repository"
ENSEMBLES = CHECKOUT / "ensembles"
_DIGEST = "sha256"
_FRAMES_MAX = "frames_per_request_max"
NETWORKS = ("yolo", "hrnet")
"""Detector and pose network: names that stay while the networks behind them are exchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output of a model."""

    name: str
    datatype: str
    """Triton's name without `TYPE_`: UINT8, FP32, INT32."""
    dims: tuple[int, ...]
    """Without the batch dimension; -1 varies."""

    def __str__(self) -> str:
        return f"{self.name} {self.datatype} [{', '.join(map(str, self.dims))}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelContract:
    """What callers of a model rely on, on every target."""

    name: str
    max_batch_size: int
    """0: the model takes whole tensors."""
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]


def read_config(path: Path) -> ModelConfig:
    """Parse one config.pbtxt; a field that Triton does not know is an error."""
    return text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())


def config_text(config: ModelConfig) -> str:
    """The configuration in the text form that Triton reads."""
    return str(text_format.MessageToString(config))


def network_digest(config: ModelConfig) -> str:
    """SHA-256 of a served network's file, as `declare_digest` has put it there."""
    return config.parameters[_DIGEST].string_value if _DIGEST in config.parameters else UNKNOWN


def declare_digest(config: ModelConfig, network: Path) -> None:
    """Let a network's configuration tell which file it serves."""
    config.parameters[_DIGEST].string_value = hashlib.sha256(network.read_bytes()).hexdigest()


def frames_per_request_max(crop: ModelConfig) -> int:
    """Frames that the pipeline takes in one request, by `crop`'s configuration. Raises ModelContractError."""
    text = crop.parameters[_FRAMES_MAX].string_value if _FRAMES_MAX in crop.parameters else ""
    if not text.isdecimal() or int(text) < 1:
        raise ModelContractError(f"{crop.name}: expected {_FRAMES_MAX} of at least 1, got {text!r}")
    return int(text)


def contract_of(config: ModelConfig) -> ModelContract:
    """The part of a configuration that is the same on every target."""
    return ModelContract(
        name=config.name,
        max_batch_size=config.max_batch_size,
        inputs=tuple(map(_tensor, config.input)),
        outputs=tuple(map(_tensor, config.output)),
    )


def committed_configs() -> dict[str, Path]:
    """Path of each committed config.pbtxt, by model name, networks and glue first, then ensembles."""
    paths = [*sorted(MODELS.glob("*/config.pbtxt")), *sorted(ENSEMBLES.glob("*/config.pbtxt"))]
    return {path.parent.name: path for path in paths}


def configs_with(models: Path | None) -> dict[str, Path]:
    """The committed configurations, where those of the user's networks in `models` take the networks' place.

    Raises ConfigurationError if `models` has no network or one without its configuration.
    """
    committed = committed_configs()
    if models is None:
        return committed
    own = {name: models / name / "config.pbtxt" for name in NETWORKS if (models / name).is_dir()}
    if not own:
        raise ConfigurationError(f"expected a folder {' or '.join(NETWORKS)} in {models}, got none")
    for path in own.values():
        if not path.is_file():
            raise ConfigurationError(f"expected {path}, got no such file. `marey models import` writes it.")
    return committed | own


def _tensor(tensor: ModelInput | ModelOutput) -> TensorSpec:
    return TensorSpec(
        name=tensor.name,
        datatype=DataType.Name(tensor.data_type).removeprefix("TYPE_"),
        dims=tuple(tensor.dims),
    )

"""The networks' sizes, and the committed configurations for networks of other sizes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tritonclient.grpc.model_config_pb2 import ModelConfig

from core.errors import ModelContractError
from core.poses import BOX_CHANNELS, KEYPOINT_CHANNELS
from core.skeletons import SKELETONS
from model_repository.contract import NETWORKS, ModelContract, TensorSpec, contract_of

DETECTOR, POSE = NETWORKS
STRIDES = (8, 16, 32)
"""Of the detector's three levels (YOLOX `strides`): it predicts one box per cell."""
HEATMAP_STRIDE = 4
"""Crop pixels per heatmap cell (HRNet `HEATMAP_SIZE`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSizes:
    """What two networks want to see and give; everything between them follows."""

    detector_hw: tuple[int, int]
    """Height and width of the detector's input, px; multiples of 32."""
    crop_hw: tuple[int, int]
    """Height and width of the pose network's input, px; multiples of 4."""
    joints: int

    def __post_init__(self) -> None:
        known = {len(skeleton.joints): name for name, skeleton in SKELETONS.items()}
        if self.joints not in known:
            names = ", ".join(f"{name} ({joints})" for joints, name in known.items())
            raise ModelContractError(f"{POSE}: expected the joints of one of {names}, got {self.joints}")
        for network, size, stride in (
            (DETECTOR, self.detector_hw, max(STRIDES)),
            (POSE, self.crop_hw, HEATMAP_STRIDE),
        ):
            if any(side < 1 or side % stride for side in size):
                raise ModelContractError(f"{network}: expected sides that {stride} divides, got {size}")

    @classmethod
    def of(cls, detector: ModelContract, pose: ModelContract) -> Self:
        """The sizes that two networks declare. Raises ModelContractError."""
        return cls(
            detector_hw=_picture_hw(detector, "images"),
            crop_hw=_picture_hw(pose, "crops"),
            joints=_dims(pose, pose.outputs, "heatmaps")[0],
        )

    def dims(self) -> dict[str, tuple[int, ...]]:
        """Dims of one row by tensor name, of the tensors that depend on the networks."""
        height, width = self.detector_hw
        crop_height, crop_width = self.crop_hw
        anchors = sum((height // stride) * (width // stride) for stride in STRIDES)
        return {
            "images": (height, width, 3),
            "predictions": (anchors, BOX_CHANNELS),
            "crops": (crop_height, crop_width, 3),
            "heatmaps": (self.joints, crop_height // HEATMAP_STRIDE, crop_width // HEATMAP_STRIDE),
            "keypoints": (self.joints, KEYPOINT_CHANNELS),
        }


def fit_all(configs: Mapping[str, ModelConfig]) -> dict[str, ModelConfig]:
    """All configurations by name, fitted to the networks among them. Raises ModelContractError."""
    sizes = PipelineSizes.of(contract_of(configs[DETECTOR]), contract_of(configs[POSE]))
    return {name: fit(config, sizes) for name, config in configs.items()}


def fit(config: ModelConfig, sizes: PipelineSizes) -> ModelConfig:
    """A copy of a committed configuration whose tensors have the dims of `sizes`; all else stays."""
    fitted = ModelConfig()
    fitted.CopyFrom(config)
    rows = () if config.max_batch_size else (-1,)
    dims = sizes.dims()
    for tensor in (*fitted.input, *fitted.output):
        if tensor.name in dims:
            tensor.dims[:] = (*rows, *dims[tensor.name])
    return fitted


def _picture_hw(contract: ModelContract, tensor: str) -> tuple[int, int]:
    height, width, _ = _dims(contract, contract.inputs, tensor)
    return height, width


def _dims(contract: ModelContract, tensors: tuple[TensorSpec, ...], name: str) -> tuple[int, ...]:
    """Every tensor that the sizes are read from has three dims."""
    for tensor in tensors:
        if tensor.name == name and len(tensor.dims) == 3:
            return tensor.dims
    got = "; ".join(map(str, tensors)) or "nothing"
    raise ModelContractError(f"{contract.name}: expected a tensor {name} of three dims, got {got}")

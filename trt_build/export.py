"""A network with its input and output adapters, as ONNX: pixels in, boxes or heatmaps out."""

import copy
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from trt_build.networks.hrnet import Hrnet, HrnetSpec
from trt_build.networks.yolox import STRIDES, Focus, Yolox, YoloxSpec, decode

OPSET = 17
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PERSON_CLASS = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelScale:
    """What a network was trained to see: `(pixel - mean) / std` per RGB channel of 0..255, perhaps as BGR."""

    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    bgr: bool = False


OFFICIAL_YOLOX_PIXELS = PixelScale(bgr=True)
"""YOLOX since release 0.1.1rc0 (August 2021)."""

_MEAN_255 = tuple(255 * value for value in IMAGENET_MEAN)
_STD_255 = tuple(255 * value for value in IMAGENET_STD)
IMAGENET_PIXELS = PixelScale(
    mean=(_MEAN_255[0], _MEAN_255[1], _MEAN_255[2]), std=(_STD_255[0], _STD_255[1], _STD_255[2])
)
"""HRNet, and YOLOX of release 0.0.1 (the legacy weights)."""


class PixelInput(nn.Module):
    """UINT8 pixels [N, H, W, 3] RGB to what a folded first convolution expects: float [N, 3, H, W].

    Only the mean is taken off here: the convolution pads with zeros, which must stand for the mean. Division
    and channel order are exact inside the convolution's weights (`fold_scale`). Float first: TensorRT takes
    UINT8 into nothing but a cast.
    """

    def __init__(self, scale: PixelScale) -> None:
        super().__init__()
        self.centred = any(scale.mean)
        self.register_buffer("mean", torch.tensor(scale.mean).reshape(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        planes = pixels.float().permute(0, 3, 1, 2)
        return planes - self.get_buffer("mean") if self.centred else planes


def fold_scale(conv: nn.Conv2d, scale: PixelScale) -> None:
    """Fold the division and the channel order of `scale` into a first convolution of 3 channels, in place."""
    weight = conv.weight.detach()
    if scale.bgr:
        weight = weight.flip(1)
    conv.weight = nn.Parameter(weight / torch.tensor(scale.std).reshape(1, 3, 1, 1))


def fold_focus(focus: Focus) -> nn.Conv2d:
    """Focus and its 3x3 on 12 channels as the one 6x6 convolution of stride 2 that they are, exactly."""
    weight = focus.conv.conv.weight.detach()
    outputs = weight.shape[0]
    folded = nn.Conv2d(3, outputs, 6, stride=2, padding=2, bias=False)
    # 12 channels = (phase column, phase row, colour); tap 2 * k + phase of the 6x6.
    phases = weight.reshape(outputs, 2, 2, 3, 3, 3)
    folded.weight = nn.Parameter(phases.permute(0, 3, 4, 2, 5, 1).reshape(outputs, 3, 6, 6))
    return folded


class _FoldedStem(nn.Module):
    """Focus after `fold_focus`: the batch norm and the activation stay."""

    def __init__(self, focus: Focus, scale: PixelScale) -> None:
        super().__init__()
        self.conv = focus.conv
        self.conv.conv = fold_focus(focus)
        fold_scale(self.conv.conv, scale)

    def forward(self, images: Tensor) -> Tensor:
        out: Tensor = self.conv(images)
        return out


class DetectorGraph(nn.Module):
    """UINT8 images [N, H, W, 3] RGB, letterboxed, to predictions FP32 [N, A, 5].

    A prediction is cx, cy, w, h in network pixels, then the score of a person: objectness times class 0.
    """

    def __init__(self, network: Yolox, spec: YoloxSpec, scale: PixelScale) -> None:
        super().__init__()
        self.pixels = PixelInput(scale)
        self.network = copy.deepcopy(network).cpu().eval()
        darknet = self.network.backbone.backbone
        darknet.add_module("stem", _FoldedStem(darknet.stem, scale))
        self.spec = spec

    def forward(self, images: Tensor) -> Tensor:
        levels = self.network(self.pixels(images))
        cells = [(self.spec.input_hw[0] // stride) * (self.spec.input_hw[1] // stride) for stride in STRIDES]
        # Constant sizes: `flatten_levels` would leave shape arithmetic in the graph.
        flat = [
            level.reshape(-1, 5 + self.spec.num_classes, count)
            for level, count in zip(levels, cells, strict=True)
        ]
        raw = torch.cat(flat, dim=2).permute(0, 2, 1)
        decoded = decode(raw[..., : 5 + PERSON_CLASS + 1], self.spec.input_hw)
        score = decoded[..., 4:5] * decoded[..., 5 + PERSON_CLASS :]
        return torch.cat((decoded[..., :4], score), dim=-1)


class PoseGraph(nn.Module):
    """UINT8 crops [N, H, W, 3] RGB to heatmaps FP32 [N, K, H/4, W/4]."""

    def __init__(self, network: Hrnet, scale: PixelScale) -> None:
        super().__init__()
        self.pixels = PixelInput(scale)
        self.network = copy.deepcopy(network).cpu().eval()
        fold_scale(self.network.conv1, scale)

    def forward(self, crops: Tensor) -> Tensor:
        heatmaps: Tensor = self.network(self.pixels(crops))
        return heatmaps


def export_detector(
    network: Yolox, spec: YoloxSpec, path: Path, scale: PixelScale = OFFICIAL_YOLOX_PIXELS
) -> None:
    """Write `network` as ONNX: `images` UINT8 [N, H, W, 3] to `predictions` FP32 [N, A, 5]."""
    _write(DetectorGraph(network, spec, scale), spec.input_hw, ("images", "predictions"), path)


def export_pose(network: Hrnet, spec: HrnetSpec, path: Path, scale: PixelScale = IMAGENET_PIXELS) -> None:
    """Write `network` as ONNX: `crops` UINT8 [N, H, W, 3] to `heatmaps` FP32 [N, K, H/4, W/4]."""
    _write(PoseGraph(network, scale), spec.input_hw, ("crops", "heatmaps"), path)


def _write(graph: nn.Module, input_hw: tuple[int, int], names: tuple[str, str], path: Path) -> None:
    """Export by tracing: the graphs have no branches that depend on data."""
    example = torch.zeros((1, *input_hw, 3), dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The tracing exporter is deprecated; its successor needs onnxscript and gives the same graph.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph.eval(),
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[names[0]],
            output_names=[names[1]],
            dynamic_axes={name: {0: "N"} for name in names},
        )
    _name_output_sizes(path, tuple(graph(example).shape[1:]))


def _name_output_sizes(path: Path, sizes: tuple[int, ...]) -> None:
    """Write the output's sizes after N into the file, where the exporter left them symbolic."""
    model = onnx.load(str(path))
    for dimension, size in zip(model.graph.output[0].type.tensor_type.shape.dim[1:], sizes, strict=True):
        dimension.dim_value = size
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))

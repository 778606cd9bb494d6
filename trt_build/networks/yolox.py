"""YOLOX, the person detector, with the state_dict keys of the official checkpoints.

Written from the constants of Megvii-BaseDetection/YOLOX (Apache-2.0) at 6ddff48.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Activation = Literal["silu", "relu"]

STRIDES = (8, 16, 32)
BATCH_NORM_EPS = 1e-3
BATCH_NORM_MOMENTUM = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloxSpec:
    """One variant: multipliers of depth and width as the official experiments name them."""

    name: str
    depth: float
    width: float
    input_hw: tuple[int, int]
    depthwise: bool = False
    num_classes: int = 80
    activation: Activation = "silu"
    """The official code's `act`; its published weights all use silu."""

    def channels(self, base: int) -> int:
        """`base` channels at width 1 in this variant."""
        return int(base * self.width)

    @property
    def bottlenecks(self) -> int:
        """Bottlenecks in a CSP layer; dark3 and dark4 have three times as many."""
        return max(round(3 * self.depth), 1)

    @property
    def anchors(self) -> int:
        """Predictions per picture: one per cell of the three levels."""
        height, width = self.input_hw
        return sum((height // stride) * (width // stride) for stride in STRIDES)


YOLOX_VARIANTS = {
    spec.name: spec
    for spec in (
        YoloxSpec(name="yolox_nano", depth=0.33, width=0.25, input_hw=(416, 416), depthwise=True),
        YoloxSpec(name="yolox_tiny", depth=0.33, width=0.375, input_hw=(416, 416)),
        YoloxSpec(name="yolox_s", depth=0.33, width=0.50, input_hw=(640, 640)),
        YoloxSpec(name="yolox_m", depth=0.67, width=0.75, input_hw=(640, 640)),
        YoloxSpec(name="yolox_l", depth=1.00, width=1.00, input_hw=(640, 640)),
        YoloxSpec(name="yolox_x", depth=1.33, width=1.25, input_hw=(640, 640)),
    )
}


class BaseConv(nn.Module):
    """Convolution, batch norm, activation; the size is kept but for the stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        padding = (kernel - 1) // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=BATCH_NORM_EPS, momentum=BATCH_NORM_MOMENTUM)
        self.act: nn.Module = nn.SiLU()

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.act(self.bn(self.conv(features)))
        return out


class DepthwiseConv(nn.Module):
    """A convolution per channel, then a 1x1 across channels."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.dconv = BaseConv(inputs, inputs, kernel, stride, groups=inputs)
        self.pconv = BaseConv(inputs, outputs, 1)

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.pconv(self.dconv(features))
        return out


def conv3x3(inputs: int, outputs: int, stride: int = 1, *, depthwise: bool) -> nn.Module:
    """The 3x3 of a variant: depthwise separable in nano, plain elsewhere."""
    return (DepthwiseConv if depthwise else BaseConv)(inputs, outputs, 3, stride)


class Bottleneck(nn.Module):
    """1x1 then 3x3, with the input added when `shortcut`."""

    def __init__(self, channels: int, *, shortcut: bool, depthwise: bool) -> None:
        super().__init__()
        self.conv1 = BaseConv(channels, channels, 1)
        self.conv2 = conv3x3(channels, channels, depthwise=depthwise)
        self.shortcut = shortcut

    def forward(self, features: Tensor) -> Tensor:
        out: Tensor = self.conv2(self.conv1(features))
        return out + features if self.shortcut else out


class CspLayer(nn.Module):
    """Cross-stage partial layer: bottlenecks on one half of the channels, the other half passes by."""

    def __init__(self, inputs: int, outputs: int, count: int, *, shortcut: bool, depthwise: bool) -> None:
        super().__init__()
        hidden = outputs // 2
        self.conv1 = BaseConv(inputs, hidden, 1)
        self.conv2 = BaseConv(inputs, hidden, 1)
        self.conv3 = BaseConv(2 * hidden, outputs, 1)
        self.m = nn.Sequential(
            *(Bottleneck(hidden, shortcut=shortcut, depthwise=depthwise) for _ in range(count))
        )

    def forward(self, features: Tensor) -> Tensor:
        both = torch.cat((self.m(self.conv1(features)), self.conv2(features)), dim=1)
        out: Tensor = self.conv3(both)
        return out


class Focus(nn.Module):
    """Space to depth by 2, in the official order top-left, bottom-left, top-right, bottom-right."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = BaseConv(12, outputs, 3)

    def forward(self, images: Tensor) -> Tensor:
        phases = [images[..., row::2, column::2] for column in (0, 1) for row in (0, 1)]
        out: Tensor = self.conv(torch.cat(phases, dim=1))
        return out


class SppBottleneck(nn.Module):
    """Max pools of 5, 9 and 13 pixels beside the features themselves."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // 2
        self.conv1 = BaseConv(channels, hidden, 1)
        self.conv2 = BaseConv(4 * hidden, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        half: Tensor = self.conv1(features)
        pools = [functional.max_pool2d(half, size, 1, size // 2) for size in (5, 9, 13)]
        out: Tensor = self.conv2(torch.cat((half, *pools), dim=1))
        return out


class CspDarknet(nn.Module):
    """The backbone: features at strides 8, 16 and 32."""

    def __init__(self, spec: YoloxSpec) -> None:
        super().__init__()
        base, count = spec.channels(64), spec.bottlenecks

        def dark(inputs: int, count: int) -> nn.Sequential:
            return nn.Sequential(
                conv3x3(inputs, 2 * inputs, 2, depthwise=spec.depthwise),
                CspLayer(2 * inputs, 2 * inputs, count, shortcut=True, depthwise=spec.depthwise),
            )

        self.stem = Focus(base)
        self.dark2 = dark(base, count)
        self.dark3 = dark(2 * base, 3 * count)
        self.dark4 = dark(4 * base, 3 * count)
        self.dark5 = nn.Sequential(
            conv3x3(8 * base, 16 * base, 2, depthwise=spec.depthwise),
            SppBottleneck(16 * base),
            CspLayer(16 * base, 16 * base, count, shortcut=False, depthwise=spec.depthwise),
        )

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stride8: Tensor = self.dark3(self.dark2(self.stem(images)))
        stride16: Tensor = self.dark4(stride8)
        return stride8, stride16, self.dark5(stride16)


class PathAggregation(nn.Module):
    """The backbone with its feature pyramid, down and up again."""

    def __init__(self, spec: YoloxSpec) -> None:
        super().__init__()
        c3, c4, c5 = (spec.channels(channels) for channels in (256, 512, 1024))

        def csp(inputs: int, outputs: int) -> CspLayer:
            return CspLayer(inputs, outputs, spec.bottlenecks, shortcut=False, depthwise=spec.depthwise)

        self.backbone = CspDarknet(spec)
        self.lateral_conv0 = BaseConv(c5, c4, 1)
        self.C3_p4 = csp(2 * c4, c4)
        self.reduce_conv1 = BaseConv(c4, c3, 1)
        self.C3_p3 = csp(2 * c3, c3)
        self.bu_conv2 = conv3x3(c3, c3, 2, depthwise=spec.depthwise)
        self.C3_n3 = csp(2 * c3, c4)
        self.bu_conv1 = conv3x3(c4, c4, 2, depthwise=spec.depthwise)
        self.C3_n4 = csp(2 * c4, c5)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        dark3, dark4, dark5 = self.backbone(images)
        lateral = self.lateral_conv0(dark5)
        middle = self.reduce_conv1(self.C3_p4(torch.cat((_twice(lateral), dark4), dim=1)))
        pan3: Tensor = self.C3_p3(torch.cat((_twice(middle), dark3), dim=1))
        pan4: Tensor = self.C3_n3(torch.cat((self.bu_conv2(pan3), middle), dim=1))
        pan5: Tensor = self.C3_n4(torch.cat((self.bu_conv1(pan4), lateral), dim=1))
        return pan3, pan4, pan5


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


class DecoupledHead(nn.Module):
    """Per level: box and objectness from one branch, classes from another."""

    def __init__(self, spec: YoloxSpec) -> None:
        super().__init__()
        hidden = spec.channels(256)

        def pair() -> nn.Sequential:
            return nn.Sequential(*(conv3x3(hidden, hidden, depthwise=spec.depthwise) for _ in range(2)))

        def predictor(outputs: int) -> nn.ModuleList:
            return nn.ModuleList(nn.Conv2d(hidden, outputs, 1) for _ in STRIDES)

        inputs = (spec.channels(256), spec.channels(512), spec.channels(1024))
        self.stems = nn.ModuleList(BaseConv(channels, hidden, 1) for channels in inputs)
        self.cls_convs = nn.ModuleList(pair() for _ in STRIDES)
        self.reg_convs = nn.ModuleList(pair() for _ in STRIDES)
        self.cls_preds = predictor(spec.num_classes)
        self.reg_preds = predictor(4)
        self.obj_preds = predictor(1)

    def forward(self, pyramid: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, ...]:
        return tuple(self._level(k, features) for k, features in enumerate(pyramid))

    def _level(self, k: int, features: Tensor) -> Tensor:
        stem = self.stems[k](features)
        regression = self.reg_convs[k](stem)
        classes = self.cls_preds[k](self.cls_convs[k](stem))
        return torch.cat((self.reg_preds[k](regression), self.obj_preds[k](regression), classes), dim=1)

    def set_prior(self, probability: float) -> None:
        """Start objectness and classes at `probability`, as the official training does (0.01)."""
        for predictor in (*self.obj_preds, *self.cls_preds):
            nn.init.constant_(predictor.get_parameter("bias"), -log((1 - probability) / probability))


class Yolox(nn.Module):
    """Images [N, 3, H, W] to one tensor of logits per stride 8, 16, 32: [N, 5 + classes, H/s, W/s].

    The channels are x, y, w, h (in cells, see `decode`), objectness, classes; H and W are multiples of 32.
    """

    def __init__(self, spec: YoloxSpec) -> None:
        super().__init__()
        self.backbone = PathAggregation(spec)
        self.head = DecoupledHead(spec)
        if spec.activation == "relu":
            for block in self.modules():
                if isinstance(block, BaseConv):
                    block.act = nn.ReLU()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        levels: tuple[Tensor, ...] = self.head(self.backbone(images))
        return levels


def flatten_levels(levels: tuple[Tensor, ...]) -> Tensor:
    """Levels [N, C, H/s, W/s] as [N, A, C]: stride 8 first, rows before columns."""
    return torch.cat([level.flatten(2) for level in levels], dim=2).permute(0, 2, 1)


def anchor_grid(input_hw: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Column and row [A, 2] of every anchor's cell, and its stride [A, 1] in pixels."""
    cells, strides = [], []
    for stride in STRIDES:
        height, width = input_hw[0] // stride, input_hw[1] // stride
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        cells.append(torch.stack((columns, rows), dim=-1).reshape(-1, 2))
        strides.append(torch.full((height * width, 1), stride))
    return torch.cat(cells).float(), torch.cat(strides).float()


def decode(raw: Tensor, input_hw: tuple[int, int]) -> Tensor:
    """Flat logits [N, A, 5 + classes] as cx, cy, w, h in network pixels, objectness and classes in 0..1."""
    cells, strides = (part.to(raw) for part in anchor_grid(input_hw))
    centres = (raw[..., 0:2] + cells) * strides
    sizes = raw[..., 2:4].exp() * strides
    return torch.cat((centres, sizes, raw[..., 4:].sigmoid()), dim=-1)

"""HRNet, the 2D pose network, with the state_dict keys of the official checkpoints.

Written from the constants of leoxiaobin/deep-high-resolution-net.pytorch (MIT) at 6f69e46.
"""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True, kw_only=True)
class HrnetSpec:
    """One architecture; the defaults are those that all the official ones share."""

    name: str
    branch_channels: tuple[int, int, int, int]
    input_hw: tuple[int, int] = (256, 192)
    joints: int = 17
    stem_channels: int = 64
    bottleneck_planes: int = 64
    bottlenecks: int = 4
    modules: tuple[int, int, int] = (1, 4, 3)
    """Exchange modules of stage 2 (two branches), 3 and 4."""
    blocks: int = 4
    """Basic blocks per branch and module."""

    @property
    def heatmap_hw(self) -> tuple[int, int]:
        """Rows and columns of a heatmap: a quarter of the input."""
        return self.input_hw[0] // 4, self.input_hw[1] // 4


HRNET_VARIANTS = {
    spec.name: spec
    for spec in (
        HrnetSpec(name="hrnet_w32_256x192", branch_channels=(32, 64, 128, 256)),
        HrnetSpec(name="hrnet_w32_384x288", branch_channels=(32, 64, 128, 256), input_hw=(384, 288)),
        HrnetSpec(name="hrnet_w48_256x192", branch_channels=(48, 96, 192, 384)),
        HrnetSpec(name="hrnet_w48_384x288", branch_channels=(48, 96, 192, 384), input_hw=(384, 288)),
    )
}


def _conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)


def _conv_block(inputs: int, outputs: int, stride: int = 1, *, relu: bool = True) -> nn.Sequential:
    parts: list[nn.Module] = [_conv3x3(inputs, outputs, stride), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*parts, *([nn.ReLU()] if relu else []))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(channels, channels)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = _conv3x3(channels, channels)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(features)))
        return functional.relu(self.bn2(self.conv2(out)) + features)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 to four times the planes, around a shortcut (a 1x1 where the channels differ)."""

    def __init__(self, inputs: int, planes: int) -> None:
        super().__init__()
        outputs = 4 * planes
        self.conv1 = nn.Conv2d(inputs, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = _conv3x3(planes, planes)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Identity()
            if inputs == outputs
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, features: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(features)))
        out = functional.relu(self.bn2(self.conv2(out)))
        return functional.relu(self.bn3(self.conv3(out)) + self.downsample(features))


def _fuse_path(channels: tuple[int, ...], to: int, source: int) -> nn.Module:
    """From branch `source` to the size and channels of branch `to`."""
    if source > to:
        return nn.Sequential(
            nn.Conv2d(channels[source], channels[to], 1, bias=False),
            nn.BatchNorm2d(channels[to]),
            nn.Upsample(scale_factor=2.0 ** (source - to), mode="nearest"),
        )
    steps = [_conv_block(channels[source], channels[source], 2) for _ in range(to - source - 1)]
    if source < to:
        steps.append(_conv_block(channels[source], channels[to], 2, relu=False))
    return nn.Sequential(*steps)


class HighResolutionModule(nn.Module):
    """Blocks on every branch, then every output branch is the sum of all branches brought to its size."""

    def __init__(self, channels: tuple[int, ...], blocks: int, outputs: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(BasicBlock(width) for _ in range(blocks))) for width in channels
        )
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(_fuse_path(channels, to, source) for source in range(len(channels)))
            for to in range(outputs)
        )

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        branches = [branch(each) for branch, each in zip(self.branches, features, strict=True)]
        return [functional.relu(self._fuse(to, branches)) for to in range(len(self.fuse_layers))]

    def _fuse(self, to: int, branches: list[Tensor]) -> Tensor:
        paths = list(self.fuse_layers[to].children())
        total: Tensor = paths[0](branches[0])
        for path, branch in zip(paths[1:], branches[1:], strict=True):
            total = total + path(branch)
        return total


def _transition(before: tuple[int, ...], after: tuple[int, ...]) -> nn.ModuleList:
    """To one more branch: it comes from the last one at half the size; the others keep their size."""
    kept = [
        nn.Identity() if old == new else _conv_block(old, new)
        for old, new in zip(before, after, strict=False)
    ]
    return nn.ModuleList([*kept, nn.Sequential(_conv_block(before[-1], after[-1], 2))])


def _advance(transition: nn.ModuleList, features: list[Tensor]) -> list[Tensor]:
    sources = [*features, features[-1]]
    return [step(source) for step, source in zip(transition, sources, strict=True)]


def _stage(spec: HrnetSpec, branches: int) -> nn.Sequential:
    """The modules of the stage with so many branches; the last one of all has one output."""
    channels, count = spec.branch_channels[:branches], spec.modules[branches - 2]
    outputs = [branches] * count
    if branches == len(spec.branch_channels):
        outputs[-1] = 1
    return nn.Sequential(*(HighResolutionModule(channels, spec.blocks, each) for each in outputs))


class Hrnet(nn.Module):
    """Crops [N, 3, H, W] to heatmaps [N, joints, H/4, W/4]; H and W are multiples of 32."""

    def __init__(self, spec: HrnetSpec) -> None:
        super().__init__()
        stem, planes, channels = spec.stem_channels, spec.bottleneck_planes, spec.branch_channels
        self.conv1 = _conv3x3(3, stem, 2)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = _conv3x3(stem, stem, 2)
        self.bn2 = nn.BatchNorm2d(stem)
        inputs = (stem, *(4 * planes,) * (spec.bottlenecks - 1))
        self.layer1 = nn.Sequential(*(Bottleneck(each, planes) for each in inputs))
        self.transition1 = _transition((4 * planes,), channels[:2])
        self.stage2 = _stage(spec, 2)
        self.transition2 = _transition(channels[:2], channels[:3])
        self.stage3 = _stage(spec, 3)
        self.transition3 = _transition(channels[:3], channels)
        self.stage4 = _stage(spec, 4)
        self.final_layer = nn.Conv2d(channels[0], spec.joints, 1)

    def forward(self, crops: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(crops)))
        out = functional.relu(self.bn2(self.conv2(out)))
        features = [self.layer1(out)]
        features = self.stage2(_advance(self.transition1, features))
        features = self.stage3(_advance(self.transition2, features))
        features = self.stage4(_advance(self.transition3, features))
        heatmaps: Tensor = self.final_layer(features[0])
        return heatmaps

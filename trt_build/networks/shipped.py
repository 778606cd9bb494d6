"""The small networks whose weights come with the repository: training, export and server agree here."""

from trt_build.networks.hrnet import HrnetSpec
from trt_build.networks.yolox import YoloxSpec

SHIPPED_DETECTOR = YoloxSpec(
    name="yolox_nano_person",
    depth=0.33,
    width=0.25,
    input_hw=(320, 544),
    depthwise=True,
    num_classes=1,
    activation="relu",
)
"""The official nano with one class, person, and ReLU, which on a CPU is 1.3x as fast as SiLU, in int8 1.7x.

Input: the official BGR 0..255, in the shape of most videos: as many pixels as the official square of 416, of
which 16:9 leaves 44 % empty, so people are 1.31 times as large; in upright videos they are 0.77 times.
"""

SHIPPED_POSE = HrnetSpec(
    name="hrnet_small_256x192",
    branch_channels=(32, 48, 72, 128),
    joints=26,
    stem_channels=24,
    bottleneck_planes=16,
    bottlenecks=2,
    modules=(1, 2, 1),
    blocks=2,
)
"""For `core.skeletons.HALPE_26`: 1.06 GMAC, 2.00 M parameters. Input: ImageNet mean and std."""

"""Joint sets: names, bones and mirror pairs of the networks' outputs."""

from dataclasses import dataclass

from core.errors import ModelContractError


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A named joint set. Indices refer to `joints`; left and right are the person's own."""

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    mirror_pairs: tuple[tuple[int, int], ...]
    oks_sigmas: tuple[float, ...]
    """Per joint: COCO's k/2 (cocoeval `sigmas`); joints that COCO lacks take their nearest kin's."""

    def __post_init__(self) -> None:
        if len(self.oks_sigmas) != len(self.joints):
            raise ValueError(f"{self.name}: {len(self.joints)} joints but {len(self.oks_sigmas)} sigmas")

    def index(self, joint: str) -> int:
        """Position of `joint` in the last-but-one axis of keypoint arrays."""
        return self.joints.index(joint)


_COCO_JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
_COCO_BONES = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
    (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
_COCO_MIRROR = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
_COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062,
    0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
)  # fmt: skip

COCO_17 = Skeleton(
    name="coco_17",
    joints=_COCO_JOINTS,
    bones=_COCO_BONES,
    mirror_pairs=_COCO_MIRROR,
    oks_sigmas=_COCO_SIGMAS,
)

HALPE_26 = Skeleton(
    name="halpe_26",
    joints=(
        *_COCO_JOINTS, "head", "neck", "hip", "left_big_toe", "right_big_toe",
        "left_small_toe", "right_small_toe", "left_heel", "right_heel",
    ),
    bones=(
        (0, 1), (0, 2), (1, 3), (2, 4), (17, 18), (18, 5), (18, 6), (5, 7), (7, 9), (6, 8), (8, 10),
        (18, 19), (19, 11), (19, 12), (11, 13), (13, 15), (12, 14), (14, 16), (15, 20), (15, 22),
        (15, 24), (16, 21), (16, 23), (16, 25),
    ),
    mirror_pairs=(*_COCO_MIRROR, (20, 21), (22, 23), (24, 25)),
    oks_sigmas=(*_COCO_SIGMAS, 0.026, 0.079, 0.107, *(0.089,) * 6),
)  # fmt: skip

SKELETONS = {skeleton.name: skeleton for skeleton in (COCO_17, HALPE_26)}


def skeleton_of(joint_count: int) -> Skeleton:
    """The joint set of so many joints. Raises ModelContractError if there is none."""
    for skeleton in SKELETONS.values():
        if len(skeleton.joints) == joint_count:
            return skeleton
    known = ", ".join(f"{name} ({len(skeleton.joints)})" for name, skeleton in SKELETONS.items())
    raise ModelContractError(f"expected the joints of one of {known}, got {joint_count} joints")

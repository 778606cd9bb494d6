import pytest

from core.skeletons import COCO_17, HALPE_26, SKELETONS, Skeleton


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS.keys())
def test_mirror_pairs_join_left_and_right_of_one_joint(skeleton: Skeleton) -> None:
    pairs = {frozenset((skeleton.joints[a], skeleton.joints[b])) for a, b in skeleton.mirror_pairs}
    expected = {
        frozenset((joint, joint.replace("left", "right"))) for joint in skeleton.joints if "left" in joint
    }
    assert pairs == expected


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS.keys())
def test_bones_reach_every_joint(skeleton: Skeleton) -> None:
    reached = {joint for bone in skeleton.bones for joint in bone}
    assert reached == set(range(len(skeleton.joints)))


def test_halpe_begins_with_coco() -> None:
    assert HALPE_26.joints[:17] == COCO_17.joints
    assert len(HALPE_26.joints) == 26
    assert HALPE_26.index("right_heel") == 25


def test_sigmas_must_fit_the_joints() -> None:
    with pytest.raises(ValueError, match="1 joints but 2 sigmas"):
        Skeleton(name="x", joints=("a",), bones=(), mirror_pairs=(), oks_sigmas=(0.1, 0.2))

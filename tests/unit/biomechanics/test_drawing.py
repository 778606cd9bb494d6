import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from biomechanics.drawing import draw_people, person_colour
from core.skeletons import COCO_17, HALPE_26, Skeleton

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]


def person(skeleton: Skeleton, centre_px: tuple[float, float], seed: int = 0) -> tuple[Floats, Floats]:
    """A box [1, 5] of 200 x 300 px around `centre_px` with joints [1, K, 3] inside."""
    random = np.random.default_rng(seed)
    joints = random.uniform(-1, 1, (1, len(skeleton.joints), 3)).astype(np.float32)
    joints = joints * np.array([80, 120, 0], np.float32) + np.array([*centre_px, 1], np.float32)
    x, y = centre_px
    return np.array([[x - 100, y - 150, x + 100, y + 150, 0.9]], np.float32), joints


def drawn(boxes: Floats, joints: Floats, skeleton: Skeleton, size: tuple[int, int] = (720, 1280)) -> Image:
    image = np.zeros((*size, 3), np.uint8)
    draw_people(image, boxes, joints, np.arange(1, len(boxes) + 1, dtype=np.int32), skeleton)
    return image


@pytest.mark.parametrize("skeleton", [COCO_17, HALPE_26])
def test_joints_bones_box_and_label_are_drawn(skeleton: Skeleton) -> None:
    boxes, joints = person(skeleton, (640, 360))
    image = drawn(boxes, joints, skeleton)
    for x, y, _ in joints[0]:
        assert image[int(y), int(x)].any()
    for first, second in skeleton.bones:
        x, y = joints[0, [first, second], :2].mean(axis=0)
        assert image[int(y), int(x)].any()
    x1, y1 = boxes[0, :2].astype(int)
    assert tuple(image[y1, x1 + 3]) == person_colour(1)
    assert tuple(image[y1 - 2, x1 + 1]) == person_colour(1)


def test_nothing_outside_the_person_is_touched() -> None:
    boxes, joints = person(COCO_17, (640, 360))
    image = drawn(boxes, joints, COCO_17)
    ys, xs = np.nonzero(image.any(axis=-1))
    assert xs.min() >= 535
    assert xs.max() <= 745
    assert ys.min() >= 175
    assert ys.max() <= 515


def test_unsure_joints_are_left_out() -> None:
    boxes, joints = person(COCO_17, (640, 360))
    joints[..., 2] = 0.1
    sure = drawn(
        boxes, joints[:, :0], Skeleton(name="none", joints=(), bones=(), mirror_pairs=(), oks_sigmas=())
    )
    np.testing.assert_array_equal(drawn(boxes, joints, COCO_17), sure)


def test_left_and_right_differ() -> None:
    joints = np.zeros((1, 17, 3), np.float32)
    joints[0, COCO_17.index("left_wrist")] = (300, 300, 1)
    joints[0, COCO_17.index("right_wrist")] = (600, 300, 1)
    image = drawn(np.zeros((1, 5), np.float32), joints, COCO_17)
    left, right = image[300, 300].astype(int), image[300, 600].astype(int)
    assert left[0] > left[2] + 100
    assert right[2] > right[0] + 100


def test_a_joint_is_centred_where_it_is_said_to_be() -> None:
    joints = np.zeros((1, 17, 3), np.float32)
    joints[0, 0] = (400.5, 300.5, 1)
    image = drawn(np.full((1, 5), 1000, np.float32), joints, COCO_17)[280:320, 380:420]
    ys, xs = np.nonzero(image.any(axis=-1))
    assert (xs.mean() + 380.5, ys.mean() + 280.5) == pytest.approx((400.5, 300.5), abs=0.1)


def test_pens_grow_with_the_picture() -> None:
    boxes, joints = person(COCO_17, (640, 360))
    small = drawn(boxes, joints, COCO_17)
    large = drawn(boxes * 2, joints * np.array([2, 2, 1], np.float32), COCO_17, (1440, 2560))
    assert np.count_nonzero(large) > 3 * np.count_nonzero(small)


@given(
    st.lists(
        st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 2, st.floats(0, 1, width=32)),
        min_size=17,
        max_size=17,
    ),
    st.tuples(*[st.floats(allow_nan=True, allow_infinity=True, width=32)] * 5),
)
def test_any_numbers_can_be_drawn(
    joints: list[tuple[float, float, float]], box: tuple[float, float, float, float, float]
) -> None:
    image = drawn(np.array([box], np.float32), np.array([joints], np.float32), COCO_17, (48, 64))
    assert image.shape == (48, 64, 3)


def test_nobody() -> None:
    nobody = drawn(np.zeros((0, 5), np.float32), np.zeros((0, 17, 3), np.float32), COCO_17)
    assert not nobody.any()

"""One crop per person of a request's frames."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model_repository.glue.boxes import DetectionLimits
from model_repository.glue.devices import HOST
from model_repository.glue.people import PADDING_FRAME, PeopleCropper

CROPPER = PeopleCropper(
    crop_hw=(256, 192),
    frames_max=8,
    limits=DetectionLimits(score_min=0.25, iou_max=0.45, people_max=2),
    device=HOST,
)


def frames(count: int) -> NDArray[np.uint8]:
    """Frame i is of brightness 10 i + 10."""
    levels = np.arange(1, count + 1, dtype=np.uint8) * 10
    return np.broadcast_to(levels[:, None, None, None], (count, 208, 208, 3)).copy()


def predictions(*people: int) -> NDArray[np.float32]:
    """So many people, side by side, in each frame; network pixels are half a picture pixel."""
    rows = np.zeros((len(people), 6, 5), np.float32)
    for frame, count in enumerate(people):
        for place in range(count):
            rows[frame, place] = [80 + 100 * place, 200, 50, 100, 0.9 - 0.1 * place]
    return rows


def test_crops_come_from_their_own_frames() -> None:
    crops, boxes, frame_index = CROPPER.cut(frames(3), np.full(3, 2, np.float32), predictions(1, 0, 2))
    assert frame_index.tolist() == [0, 2, 2]
    assert crops[:, 128, 96, 0].tolist() == [10, 30, 30]
    np.testing.assert_allclose(boxes[1], [27.5, 75, 52.5, 125, 0.9])


def test_the_best_people_of_a_frame_stay() -> None:
    _, boxes, frame_index = CROPPER.cut(frames(1), np.ones(1, np.float32), predictions(3))
    assert frame_index.tolist() == [0, 0]
    np.testing.assert_allclose(boxes[:, 4], [0.9, 0.8])


def test_nobody_is_one_padding_row() -> None:
    crops, boxes, frame_index = CROPPER.cut(frames(2), np.ones(2, np.float32), predictions(0, 0))
    assert frame_index.tolist() == [PADDING_FRAME]
    assert crops.shape == (1, 256, 192, 3)
    assert not crops.any()
    assert not boxes.any()


def test_people_of_frames_that_the_detector_did_not_look_at() -> None:
    scales = np.full(2, 2, np.float32)
    crops, boxes, frame_index = CROPPER.cut(frames(4), scales, predictions(1, 2), "1001")
    assert frame_index.tolist() == [0, 1, 2, 2, 3, 3]
    assert crops[:, 128, 96, 0].tolist() == [10, 20, 30, 30, 40, 40]
    np.testing.assert_allclose(boxes[2], [27.5, 75, 52.5, 125, 0.9])


def test_detections_that_were_not_asked_for_change_nothing() -> None:
    asked = CROPPER.cut(frames(4), np.full(2, 2, np.float32), predictions(1, 2), "1001")
    every = CROPPER.cut(frames(4), np.full(4, 2, np.float32), predictions(1, 0, 2, 2), "1001")
    for got, expected in zip(every, asked, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_too_many_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="expected at most 8 frames per request, got 9"):
        CROPPER.cut(frames(9), np.ones(9, np.float32), predictions(*[1] * 9))


def test_permuting_frames_permutes_people() -> None:
    scales = np.ones(3, np.float32)
    crops, _, _ = CROPPER.cut(frames(3), scales, predictions(1, 1, 1))
    turned, _, _ = CROPPER.cut(frames(3)[::-1], scales, predictions(1, 1, 1))
    np.testing.assert_array_equal(turned, crops[::-1])


def test_a_broken_detector_is_not_an_empty_scene() -> None:
    broken = predictions(1)
    broken[0, 3, 4] = np.nan
    with pytest.raises(ValueError, match="expected scores from the detector, got NaN"):
        CROPPER.cut(frames(1), np.ones(1, np.float32), broken)

"""Skeletons drawn over pictures."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.skeletons import Skeleton

MIN_CONFIDENCE = 0.3
"""Joints below this are not drawn."""

_Colour = tuple[int, int, int]
_LEFT: _Colour = (255, 138, 61)
_RIGHT: _Colour = (64, 196, 255)
_MIDDLE: _Colour = (244, 240, 230)
_OUTLINE: _Colour = (18, 22, 28)
_PEOPLE: tuple[_Colour, ...] = (
    (255, 214, 70), (126, 231, 135), (255, 123, 172), (166, 153, 255),
    (94, 226, 214), (255, 166, 112), (196, 232, 90), (240, 150, 255),
)  # fmt: skip
_REFERENCE_HEIGHT_PX = 720
_SUBPIXEL_BITS = 4
_SUBPIXELS = 1 << _SUBPIXEL_BITS
_PIXEL_CENTRE = 0.5
"""OpenCV counts from the centre of the first pixel, we from its corner."""
_FAR_PX = 20_000.0
_CORNER_SHARE = 0.18
_FONT = cv2.FONT_HERSHEY_DUPLEX

_Points = NDArray[np.int32]
_Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Pens:
    """Line widths for a picture's size."""

    bone_px: int
    outline_px: int
    joint_px: int
    box_px: int
    label_scale: float


def draw_people(
    image: NDArray[np.uint8],
    boxes_px: NDArray[np.float32],
    keypoints_px: NDArray[np.float32],
    person_ids: NDArray[np.int32],
    skeleton: Skeleton,
) -> None:
    """Draw people into `image`, uint8 [height, width, 3] RGB, in place.

    Boxes are [M, 5] x1 y1 x2 y2 score, keypoints [M, K, 3] x y confidence, in px of this picture with pixel
    centres at +0.5. Limbs of the person's left are orange, of the right blue, the rest white.
    """
    pens = _pens_for(image)
    colours = _bone_colours(skeleton)
    for box_px, joints_px, person_id in zip(boxes_px, keypoints_px, person_ids, strict=True):
        colour = person_colour(int(person_id))
        _draw_box(image, _subpixels(box_px[:4].reshape(2, 2)), colour, pens)
        _draw_skeleton(image, joints_px, skeleton, colours, pens)
        _draw_label(image, box_px, f"{person_id}", colour, pens)


def person_colour(person_id: int) -> tuple[int, int, int]:
    """The RGB colour of a person's box and label."""
    return _PEOPLE[person_id % len(_PEOPLE)]


def _pens_for(image: _Image) -> _Pens:
    scale = min(image.shape[:2]) / _REFERENCE_HEIGHT_PX
    bone_px = max(1, round(3 * scale))
    return _Pens(
        bone_px=bone_px,
        outline_px=bone_px + max(2, round(2 * scale)),
        joint_px=max(1, round(3.2 * scale)),
        box_px=max(1, round(2 * scale)),
        label_scale=max(0.35, 0.6 * scale),
    )


def _bone_colours(skeleton: Skeleton) -> tuple[_Colour, ...]:
    return tuple(
        _joint_colour(skeleton.joints[first], skeleton.joints[second]) for first, second in skeleton.bones
    )


def _joint_colour(*joints: str) -> _Colour:
    sides = {joint.split("_")[0] for joint in joints}
    if "left" in sides and "right" not in sides:
        return _LEFT
    return _RIGHT if "right" in sides and "left" not in sides else _MIDDLE


def _subpixels(points_px: NDArray[np.float32]) -> _Points:
    """OpenCV's fixed-point coordinates, [..., 2]; far and undefined ones go where they do no harm."""
    finite = np.nan_to_num(points_px, nan=-_FAR_PX, posinf=_FAR_PX, neginf=-_FAR_PX)
    near = np.clip(finite - _PIXEL_CENTRE, -_FAR_PX, _FAR_PX)
    return np.round(near * _SUBPIXELS).astype(np.int32)


def _draw_skeleton(
    image: _Image,
    joints_px: NDArray[np.float32],
    skeleton: Skeleton,
    colours: tuple[_Colour, ...],
    pens: _Pens,
) -> None:
    visible = (joints_px[..., 2] >= MIN_CONFIDENCE) & np.isfinite(joints_px).all(axis=-1)
    points: list[tuple[int, int]] = [(x, y) for x, y in _subpixels(joints_px[..., :2]).tolist()]
    bones = [
        (points[first], points[second], colour)
        for (first, second), colour in zip(skeleton.bones, colours, strict=True)
        if visible[first] and visible[second]
    ]
    for first, second, _ in bones:
        cv2.line(image, first, second, _OUTLINE, pens.outline_px, cv2.LINE_8, _SUBPIXEL_BITS)
    for first, second, colour in bones:
        cv2.line(image, first, second, colour, pens.bone_px, cv2.LINE_AA, _SUBPIXEL_BITS)
    radius = pens.joint_px * _SUBPIXELS
    for joint in np.flatnonzero(visible):
        colour = _joint_colour(skeleton.joints[joint])
        rim = radius + _SUBPIXELS
        cv2.circle(image, points[joint], rim, _OUTLINE, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)
        cv2.circle(image, points[joint], radius, colour, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_box(image: _Image, corners: _Points, colour: _Colour, pens: _Pens) -> None:
    """Four corner brackets."""
    (left, top), (right, bottom) = corners.tolist()
    arm = int(_CORNER_SHARE * min(abs(right - left), abs(bottom - top)))
    for x, inward_x in ((left, arm), (right, -arm)):
        for y, inward_y in ((top, arm), (bottom, -arm)):
            bracket = np.array([[x + inward_x, y], [x, y], [x, y + inward_y]], np.int32)
            cv2.polylines(image, [bracket], False, colour, pens.box_px, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_label(image: _Image, box_px: NDArray[np.float32], text: str, colour: _Colour, pens: _Pens) -> None:
    """The person's number on a plate at the box's upper left corner, inside the picture."""
    if not np.isfinite(box_px[:2]).all():
        return
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, pens.label_scale, 1)
    margin = max(2, text_height // 3)
    width, height = text_width + 2 * margin, text_height + 2 * margin
    left = int(np.clip(box_px[0], 0, max(0, image.shape[1] - width)))
    top = int(np.clip(box_px[1] - height, 0, max(0, image.shape[0] - height)))
    cv2.rectangle(image, (left, top), (left + width, top + height), colour, cv2.FILLED)
    origin = (left + margin, top + height - margin)
    cv2.putText(image, text, origin, _FONT, pens.label_scale, _OUTLINE, 1, cv2.LINE_AA)

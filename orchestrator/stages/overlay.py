"""The video again, with the people drawn onto it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from biomechanics.drawing import draw_people
from core.skeletons import Skeleton
from core.video import Frame, VideoInfo
from ingest.encoder import VideoWriter


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FramePeople:
    """The M people of one frame."""

    frame_index: int
    boxes_px: NDArray[np.float32]
    """[M, 5] x1 y1 x2 y2 score."""
    keypoints_px: NDArray[np.float32]
    """[M, K, 3] x y confidence."""
    person_ids: NDArray[np.int32]
    """[M]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayFormat:
    """How the overlay looks."""

    info: VideoInfo
    """Of the source: frame rate and size."""
    scale: float
    """Size of the overlay against its source."""
    skeleton: Skeleton

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the overlay."""
        return (
            max(1, round(self.info.width_px * self.scale)),
            max(1, round(self.info.height_px * self.scale)),
        )


def write_overlay(
    path: Path, layout: OverlayFormat, frames: Iterable[Frame], people: Iterator[FramePeople]
) -> None:
    """Write `frames` to an MP4 with their `people` drawn in; both come in the order of their frames."""
    current = next(people, None)
    with VideoWriter(path, layout.size_px, layout.info.frame_rate) as writer:
        for frame in frames:
            while current is not None and current.frame_index < frame.index:
                current = next(people, None)
            image = _resized(frame.image, layout)
            if current is not None and current.frame_index == frame.index:
                _draw(image, current, layout)
            writer.write(image, frame.pts_ns)


def _resized(image: NDArray[np.uint8], layout: OverlayFormat) -> NDArray[np.uint8]:
    """An image of the overlay's size that may be drawn on."""
    if layout.scale == 1:
        return image
    return cv2.resize(image, layout.size_px, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _draw(image: NDArray[np.uint8], people: FramePeople, layout: OverlayFormat) -> None:
    to_overlay = np.ones(5, np.float32)
    to_overlay[:4] = layout.scale
    draw_people(
        image,
        people.boxes_px * to_overlay,
        people.keypoints_px * to_overlay[2:],
        people.person_ids,
        layout.skeleton,
    )

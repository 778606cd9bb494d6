"""From the detector's output of some frames to one crop per person."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model_repository.glue.between import Boxes, detected_places, fill_between
from model_repository.glue.boxes import DetectionLimits, Size, select_people
from model_repository.glue.crops import crop_transforms
from model_repository.glue.devices import Array, GlueDevice

PADDING_FRAME = -1
"""Frame index of the one row that stands for nobody: Triton cannot pass a tensor of no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCropper:
    """Finds and cuts out the people of a request's frames."""

    crop_hw: Size
    frames_max: int
    """More frames in one request are refused: their people might not fit the pose network's batch."""
    limits: DetectionLimits
    device: GlueDevice
    """Where frames and predictions are, and the crops will be."""

    def cut(
        self, frames: Array, scales: NDArray[np.float32], predictions: Array, detected: str | None = None
    ) -> tuple[Array, NDArray[np.float32], NDArray[np.int32]]:
        """Frames [N, H, W, 3], scales [D], predictions [D, A, 5] -> crops, boxes [M, 5], frame index [M].

        D is N, or the number of frames that `detected` marks; the boxes of the others follow from those.
        M >= 1: nobody gives one black crop with frame index -1.
        """
        if len(frames) > self.frames_max:
            raise ValueError(f"expected at most {self.frames_max} frames per request, got {len(frames)}")
        rows = self.device.likely_rows(predictions, self.limits.score_min)
        if np.isnan(rows[..., 4]).any():
            raise ValueError("expected scores from the detector, got NaN: it is broken, not the scene empty")
        found = self._people(scales, rows)
        if detected is not None:
            found = _of_all_frames(found, detected, len(frames))
        boxes, frame_index = np.concatenate(found), _frame_of_each(found)
        if not len(boxes):
            return self._nobody()
        transforms = crop_transforms(boxes, self.crop_hw)
        crops = self.device.warp_crops(frames, frame_index, transforms, self.crop_hw)
        return crops, boxes, frame_index

    def _people(self, scales: NDArray[np.float32], predictions: NDArray[np.float32]) -> list[Boxes]:
        return [
            select_people(rows, float(scale), self.limits)
            for rows, scale in zip(predictions, scales, strict=True)
        ]

    def _nobody(self) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.int32]]:
        return (
            np.zeros((1, *self.crop_hw, 3), dtype=np.uint8),
            np.zeros((1, 5), dtype=np.float32),
            np.array([PADDING_FRAME], dtype=np.int32),
        )


def _of_all_frames(found: list[Boxes], detected: str, frame_count: int) -> list[Boxes]:
    """A letterbox that cannot leave frames out gives all of them: then some are found for nothing."""
    places = detected_places(detected, frame_count)
    if len(found) == frame_count:
        found = [found[place] for place in places]
    return fill_between(found, places, frame_count)


def _frame_of_each(found: list[Boxes]) -> NDArray[np.int32]:
    return np.repeat(np.arange(len(found), dtype=np.int32), [len(boxes) for boxes in found])

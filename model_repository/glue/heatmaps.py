"""Joints from HRNet's heatmaps: the maximum, moved a quarter of a cell towards its higher neighbour."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_repository.glue.boxes import Size
from model_repository.glue.crops import heatmap_to_picture
from model_repository.glue.pixel_arrays import Device

QUARTER = 0.25
"""Official `get_final_preds` with POST_PROCESS."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Peaks:
    """The maxima of heatmaps [P, K, h, w]: all that is read of them."""

    heatmap_hw: Size
    places: NDArray[np.intp]
    """[P, K] index of the maximum, row by row."""
    scores: NDArray[np.float32]
    """[P, K] its value."""
    slopes: NDArray[np.float32]
    """[P, K, 2] (x y) value after it minus value before it; of no meaning at the border."""

    def points(self) -> NDArray[np.float32]:
        """[P, K, 2] (x y, indices); 0 0 where no value is positive."""
        width = self.heatmap_hw[1]
        points = np.stack([self.places % width, self.places // width], axis=-1)
        return (points * (self.scores > 0)[..., None]).astype(np.float32)

    def refined_points(self) -> NDArray[np.float32]:
        """`points` moved towards the higher neighbour, except those near the border."""
        points = self.points()
        limits = np.array(self.heatmap_hw[::-1]) - 1
        inside = ((points > 1) & (points < limits)).all(axis=-1)
        return (points + QUARTER * np.sign(self.slopes) * inside[..., None]).astype(np.float32)


def read_peaks(device: Device, heatmaps: Any) -> Peaks:
    """The maxima of heatmaps FP32 [P, K, h, w] that lie on `device`, fetched in one copy."""
    people, joints, height, width = heatmaps.shape
    flat = heatmaps.reshape(people * joints, height * width)
    row = device.upload(np.arange(people * joints))
    place = flat.argmax(1)
    around = [
        flat[row, device.namespace.clip(place + step, 0, height * width - 1)]
        for step in (0, 1, -1, width, -width)
    ]
    # Whole numbers up to 2^24 are exact in FP32.
    place = device.namespace.asarray(place, dtype=device.namespace.float32)
    values = device.download(device.namespace.stack([place, *around]))
    places, scores, right, left, below, above = values.reshape(6, people, joints)
    return Peaks(
        heatmap_hw=(height, width),
        places=places.astype(np.intp),
        scores=scores.astype(np.float32),
        slopes=np.stack([right - left, below - above], axis=-1).astype(np.float32),
    )


def joints_of(peaks: Peaks, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Peaks of the crops of `boxes` [P, 4+] -> joints [P, K, 3]: x y in picture px, score."""
    points = heatmap_to_picture(peaks.refined_points(), boxes, peaks.heatmap_hw)
    return np.concatenate([points, peaks.scores[..., None]], axis=-1)

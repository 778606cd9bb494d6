"""How far joints and boxes move between two files of one network: the price of a precision."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Distances between what two files of one network find, in network pixels."""

    count: int
    mean_px: float
    p95_px: float


def joint_shift(reference: Path, other: Path, crops: Iterable[Pixels]) -> Shift:
    """How far joints move between two files of a pose network; `crops` are UINT8 [N, 256, 192, 3] batches."""
    distances = [
        4.0 * np.linalg.norm(joints(expected) - joints(got), axis=-1).ravel()
        for expected, got in _both(reference, other, crops)
    ]
    return _summary(np.concatenate(distances))


def box_shift(reference: Path, other: Path, images: Iterable[Pixels], score: float = 0.25) -> Shift:
    """How far the corners of predictions above `score` move between two files of a detector."""
    distances: list[NDArray[np.float64]] = []
    for expected, got in _both(reference, other, images):
        sure = expected[..., 4] > score
        distances.append(np.linalg.norm(_corners(expected[sure]) - _corners(got[sure]), axis=-1).ravel())
    return _summary(np.concatenate(distances))


def joints(heatmaps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Peaks [N, K, 2] (x, y) of heatmaps [N, K, H, W] in heatmap pixels, a quarter towards the higher side.

    The rule of HRNet's `get_final_preds`.
    """
    count, maps, height, width = heatmaps.shape
    flat = heatmaps.reshape(count, maps, -1).argmax(axis=-1)
    y, x = np.divmod(flat, width)
    people, channels = np.ogrid[:count, :maps]

    def side(row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.float32]:
        return heatmaps[people, channels, row.clip(0, height - 1), column.clip(0, width - 1)]

    inner = (x > 1) & (x < width - 1) & (y > 1) & (y < height - 1)
    step_x = np.sign(side(y, x + 1) - side(y, x - 1)) * inner
    step_y = np.sign(side(y + 1, x) - side(y - 1, x)) * inner
    return np.stack((x + 0.25 * step_x, y + 0.25 * step_y), axis=-1)


def _corners(predictions: NDArray[np.float32]) -> NDArray[np.float64]:
    centre, half = predictions[:, None, :2].astype(np.float64), predictions[:, None, 2:4] / 2
    return np.concatenate((centre - half, centre + half), axis=1)


def _both(
    reference: Path, other: Path, batches: Iterable[Pixels]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """The first output of both files, batch by batch."""
    sessions = [
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        for path in (reference, other)
    ]
    name = sessions[0].get_inputs()[0].name
    for batch in batches:
        expected, got = (session.run(None, {name: batch})[0] for session in sessions)
        yield expected, got


def _summary(distances: NDArray[np.float64]) -> Shift:
    if not distances.size:
        return Shift(count=0, mean_px=0.0, p95_px=0.0)
    return Shift(
        count=distances.size,
        mean_px=float(distances.mean()),
        p95_px=float(np.percentile(distances, 95)),
    )

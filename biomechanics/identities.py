"""Who is who from frame to frame, by the overlap of boxes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """When two boxes belong to the same person."""

    min_overlap: float = 0.1
    """Least intersection over union of a person's boxes in consecutive sightings."""
    forget_after_frames: int = 30
    """A person not seen for more frames than this comes back as someone new."""


@dataclass(slots=True)
class _Known:
    person_id: int
    box_px: NDArray[np.float32]
    frame_index: int


class IdentityTracker:
    """Gives people lasting numbers, from 1, frame by frame.

    Pairs of a known person and a box are taken in order of overlap, best first. New people are numbered
    from left to right, so that the order of the boxes does not matter.
    """

    def __init__(self, settings: IdentitySettings | None = None) -> None:
        self._settings = settings or IdentitySettings()
        self._known: list[_Known] = []
        self._last_id = 0

    def update(self, frame_index: int, boxes_px: NDArray[np.float32]) -> NDArray[np.int32]:
        """The person ids, int32 [M], of the boxes of one frame, [M, 4 or more] x1 y1 x2 y2 ... px.

        Frames come in increasing order; those without people may be left out.
        """
        oldest = frame_index - self._settings.forget_after_frames
        self._known = [known for known in self._known if known.frame_index >= oldest]
        corners_px = boxes_px[:, :4]
        ids = np.zeros(len(corners_px), np.int32)
        for known_at, row in self._pairs(corners_px):
            ids[row] = self._known[known_at].person_id
        for row in np.lexsort(corners_px.T[::-1]):
            if ids[row] == 0:
                self._last_id += 1
                ids[row] = self._last_id
        self._remember(frame_index, corners_px, ids)
        return ids

    def _pairs(self, boxes_px: NDArray[np.float32]) -> list[tuple[int, int]]:
        """(place in `_known`, row of `boxes_px`) of those that match, each at most once."""
        if not self._known or not len(boxes_px):
            return []
        overlap = box_overlap(np.stack([known.box_px for known in self._known]), boxes_px)
        pairs: list[tuple[int, int]] = []
        for flat in np.argsort(-overlap, axis=None, kind="stable"):
            known_at, row = divmod(int(flat), len(boxes_px))
            if overlap[known_at, row] < self._settings.min_overlap:
                break
            if all(known_at != taken[0] and row != taken[1] for taken in pairs):
                pairs.append((known_at, row))
        return pairs

    def _remember(self, frame_index: int, boxes_px: NDArray[np.float32], ids: NDArray[np.int32]) -> None:
        seen = [
            _Known(int(person_id), box.copy(), frame_index)
            for person_id, box in zip(ids, boxes_px, strict=True)
        ]
        present = {known.person_id for known in seen}
        absent = [known for known in self._known if known.person_id not in present]
        self._known = sorted(seen + absent, key=lambda known: known.person_id)


def box_overlap(first_px: NDArray[np.float32], second_px: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intersection over union, [A, B] in 0..1, of boxes [A, 4] and [B, 4] (x1 y1 x2 y2); 0 for empty ones."""
    first, second = first_px[:, None, :4].astype(np.float64), second_px[None, :, :4].astype(np.float64)
    top_left = np.maximum(first[..., :2], second[..., :2])
    bottom_right = np.minimum(first[..., 2:], second[..., 2:])
    shared = np.prod(np.maximum(bottom_right - top_left, 0), axis=-1)
    union = _area(first) + _area(second) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _area(boxes_px: NDArray[np.float64]) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = np.maximum(boxes_px[..., 2:] - boxes_px[..., :2], 0)
    return sides[..., 0] * sides[..., 1]

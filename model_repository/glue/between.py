"""Boxes of people in frames that the detector did not look at, by those of the frames around them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model_repository.glue.boxes import overlaps

DETECTED = "detected"
"""Parameter of a request: a 1 for each frame that the detector looks at, else a 0. Without it, at all."""
SAME_PERSON_IOU_MIN = 0.2
"""Of two frames' boxes that overlap less, each is a person of its own."""

Boxes = NDArray[np.float32]
"""[P, 5] x1 y1 x2 y2 px and score, of one frame, best first."""


def detected_places(marks: str, frame_count: int) -> NDArray[np.intp]:
    """Places in the request of the frames marked 1. Raises ValueError for marks that are not of this request,
    or leave out its first or last frame, which lie between no others."""
    if len(marks) != frame_count or set(marks) - {"0", "1"} or "0" in (marks[:1], marks[-1:]):
        raise ValueError(
            f"expected parameter {DETECTED} of {frame_count} digits 0 and 1, the first and the last 1, "
            f"got {marks!r}"
        )
    return np.flatnonzero([mark == "1" for mark in marks])


def fill_between(found: Sequence[Boxes], places: NDArray[np.intp], frame_count: int) -> list[Boxes]:
    """Boxes of each frame, by those `found` in the frames at these rising places, among them first and last.

    Who is in both of two neighbours moves straight between them, in equal steps; the score does too. Who is
    in one of them only stays there in the frames that are at least as near to it as to the other one; a frame
    in the middle counts to the first.
    """
    frames = [np.empty((0, 5), np.float32)] * frame_count
    for place, boxes in zip(places.tolist(), found, strict=True):
        frames[place] = boxes
    for first, last in zip(places[:-1].tolist(), places[1:].tolist(), strict=True):
        pairs = same_people(frames[first], frames[last])
        for place in range(first + 1, last):
            share = (place - first) / (last - first)
            frames[place] = _mixed(frames[first], frames[last], pairs, share)
    return frames


def same_people(first: Boxes, last: Boxes) -> NDArray[np.intp]:
    """Rows [S, 2] of `first` and `last` that are one person: those that overlap most, one after the other."""
    shares = np.array([overlaps(box, last) for box in first], np.float32).reshape(len(first), len(last))
    pairs = []
    while shares.size and shares.max() >= SAME_PERSON_IOU_MIN:
        row, column = np.unravel_index(shares.argmax(), shares.shape)
        pairs.append((row, column))
        shares[row], shares[:, column] = -1, -1
    return np.array(pairs, np.intp).reshape(-1, 2)


def _mixed(first: Boxes, last: Boxes, pairs: NDArray[np.intp], share: float) -> Boxes:
    moved = (1 - share) * first[pairs[:, 0]] + share * last[pairs[:, 1]]
    nearer, seen = (first, pairs[:, 0]) if share <= 0.5 else (last, pairs[:, 1])
    boxes = np.concatenate([moved, np.delete(nearer, seen, axis=0)]).astype(np.float32)
    return boxes[np.argsort(-boxes[:, 4], kind="stable")]

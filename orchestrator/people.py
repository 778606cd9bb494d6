"""Who is in the results, and who is who, from a video's first frame on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from biomechanics.identities import IdentityTracker
from core.poses import PoseBatch
from orchestrator.parameters import JobParameters


class PeopleInOrder:
    """Takes the pose batches of one video in the order of its frames."""

    def __init__(self, parameters: JobParameters) -> None:
        self._parameters = parameters
        self._tracker = IdentityTracker()

    def take(self, raw: PoseBatch) -> tuple[PoseBatch, NDArray[np.int32]]:
        """The batch with those people only whom `person_score` and `people_cap` let in, and the number, int32
        [M], of each of these M."""
        batch = _let_in(raw, self._parameters)
        ids = [
            self._tracker.update(frame, batch.boxes_px[rows])
            for frame, rows in rows_by_frame(batch.frame_index)
        ]
        return batch, np.concatenate([np.empty(0, np.int32), *ids])


def rows_by_frame(frame_index: NDArray[np.int32]) -> Iterator[tuple[int, slice]]:
    """The frames of sorted rows, int32 [M], each with its rows."""
    frames, starts, counts = np.unique(frame_index, return_index=True, return_counts=True)
    for frame, start, count in zip(frames.tolist(), starts.tolist(), counts.tolist(), strict=True):
        yield frame, slice(start, start + count)


def _let_in(batch: PoseBatch, parameters: JobParameters) -> PoseBatch:
    scores = batch.boxes_px[:, 4]
    keep = scores >= parameters.person_score
    for _, rows in rows_by_frame(batch.frame_index):
        if rows.stop - rows.start > parameters.people_cap:
            best_first = np.argsort(-scores[rows], kind="stable")
            keep[rows][best_first[parameters.people_cap :]] = False
    return PoseBatch(
        decoded_frames=batch.decoded_frames,
        decoded_pts_ns=batch.decoded_pts_ns,
        frame_index=batch.frame_index[keep],
        boxes_px=batch.boxes_px[keep],
        keypoints_px=batch.keypoints_px[keep],
        cpu_reason=batch.cpu_reason,
    )

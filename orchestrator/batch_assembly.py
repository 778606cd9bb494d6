"""The answers of requests, which hold frames of a run, as the poses of its frame batches: pure."""

from collections.abc import Sequence

import numpy as np

from core.poses import BOX_CHANNELS, KEYPOINT_CHANNELS, PoseBatch, clipped, joined
from core.video import FrameSpan


class BatchAssembly:
    """Takes the poses of a run's frames in order, however they are divided among requests."""

    def __init__(self, batches: Sequence[FrameSpan], joint_count: int) -> None:
        self._batches = batches
        self._joint_count = joint_count
        self._number = 0
        self._parts: list[PoseBatch] = []

    def take(self, poses: PoseBatch) -> list[PoseBatch]:
        """The frame batches that are whole with these poses of at least one more frame.

        A batch is whole when its last frame or a later one came; one of which nothing was decoded is empty.
        """
        last_frame = poses.decoded_frames[-1]
        whole = []
        while self._number < len(self._batches):
            batch = self._batches[self._number]
            if batch.start <= last_frame:
                self._parts.append(clipped(poses, batch))
            if last_frame < batch.stop - 1:
                break
            whole.append(self._next())
        return whole

    def rest(self) -> list[PoseBatch]:
        """The other batches, when no more frames come."""
        return [self._next() for _ in range(self._number, len(self._batches))]

    def _next(self) -> PoseBatch:
        poses = joined(self._parts) if self._parts else _nobody(self._joint_count)
        self._number, self._parts = self._number + 1, []
        return poses


def _nobody(joint_count: int) -> PoseBatch:
    """The poses of no frame."""
    return PoseBatch(
        decoded_frames=np.empty(0, np.int32),
        decoded_pts_ns=np.empty(0, np.int64),
        frame_index=np.empty(0, np.int32),
        boxes_px=np.empty((0, BOX_CHANNELS), np.float32),
        keypoints_px=np.empty((0, joint_count, KEYPOINT_CHANNELS), np.float32),
    )

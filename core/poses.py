"""Poses of the people in some frames, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.video import FrameSpan

KEYPOINT_CHANNELS = 3
BOX_CHANNELS = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PoseBatch:
    """The people found in one span of frames. M people over F decoded frames, K joints.

    Rows are ordered by frame; a frame without people has no row but is listed in `decoded_frames`.
    Coordinates are pixels of the displayed picture; a pixel's centre is at its index + 0.5.
    """

    decoded_frames: NDArray[np.int32]
    """[F] indices of the frames that were decoded and inferred, increasing."""
    decoded_pts_ns: NDArray[np.int64]
    """[F] their presentation times."""
    frame_index: NDArray[np.int32]
    """[M] index of the frame that each person is in."""
    boxes_px: NDArray[np.float32]
    """[M, 5] x1 y1 x2 y2 score."""
    keypoints_px: NDArray[np.float32]
    """[M, K, 3] x y confidence."""
    cpu_reason: str | None = None
    """Why a GPU's decoders left the decoding of these frames, or the last of them, to the CPU."""

    def __post_init__(self) -> None:
        people = len(self.frame_index)
        if self.boxes_px.shape != (people, BOX_CHANNELS):
            raise ValueError(f"boxes_px: expected {(people, BOX_CHANNELS)}, got {self.boxes_px.shape}")
        shape = self.keypoints_px.shape
        if len(shape) != 3 or shape[0] != people or shape[2] != KEYPOINT_CHANNELS:
            raise ValueError(f"keypoints_px: expected ({people}, K, {KEYPOINT_CHANNELS}), got {shape}")
        if self.decoded_frames.shape != self.decoded_pts_ns.shape:
            raise ValueError(
                f"decoded_pts_ns: expected {self.decoded_frames.shape}, got {self.decoded_pts_ns.shape}"
            )


def joined(batches: Sequence[PoseBatch]) -> PoseBatch:
    """The frames of at least one batch, which follow each other, as one batch."""
    if len(batches) == 1:
        return batches[0]
    return PoseBatch(
        decoded_frames=np.concatenate([batch.decoded_frames for batch in batches]),
        decoded_pts_ns=np.concatenate([batch.decoded_pts_ns for batch in batches]),
        frame_index=np.concatenate([batch.frame_index for batch in batches]),
        boxes_px=np.concatenate([batch.boxes_px for batch in batches]),
        keypoints_px=np.concatenate([batch.keypoints_px for batch in batches]),
        cpu_reason=next((batch.cpu_reason for batch in batches if batch.cpu_reason), None),
    )


def clipped(batch: PoseBatch, span: FrameSpan) -> PoseBatch:
    """What of a batch lies within a span of frames: views of its arrays."""
    decoded = _within(batch.decoded_frames, span)
    people = _within(batch.frame_index, span)
    return PoseBatch(
        decoded_frames=batch.decoded_frames[decoded],
        decoded_pts_ns=batch.decoded_pts_ns[decoded],
        frame_index=batch.frame_index[people],
        boxes_px=batch.boxes_px[people],
        keypoints_px=batch.keypoints_px[people],
        cpu_reason=batch.cpu_reason,
    )


def _within(frames: NDArray[np.int32], span: FrameSpan) -> slice:
    """The rows of increasing frame indices that lie within a span."""
    start, stop = np.searchsorted(frames, (span.start, span.stop))
    return slice(start, stop)

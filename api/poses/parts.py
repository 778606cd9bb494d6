"""What a stream of poses is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biomechanics.summary import FrameRange
from core.jobs import BatchStatus
from core.poses import PoseBatch, clipped
from core.skeletons import Skeleton
from core.video import FrameSpan, VideoInfo
from orchestrator.store.poses import FrameBatch


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseHead:
    """What the frames of a video have in common."""

    name: str
    info: VideoInfo
    skeleton: Skeleton


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownPoses:
    """Poses of people who are told apart."""

    batch: PoseBatch
    person_ids: NDArray[np.int32]
    """[M], the same for one person over time."""


PosePart = PoseHead | KnownPoses | FrameRange
"""In this order: a head, then poses and ranges that are missing, in the order of their frames."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames of which nothing will change any more."""

    span: FrameSpan
    key: str | None
    """Object key of their poses; None: they are missing."""


def settled_pieces(batches: Sequence[FrameBatch], from_frame: int) -> list[Piece]:
    """The pieces from a frame on, without a gap, up to the first frame batch that is not over: pure.

    `batches` are in order. Neighbours with one object, or with none, are one piece.
    """
    pieces: list[Piece] = []
    for batch in batches:
        if batch.start_frame != from_frame or batch.status not in _SETTLED:
            break
        from_frame = batch.stop_frame
        start = batch.start_frame
        if pieces and pieces[-1].key == batch.results_path:
            start = pieces.pop().span.start
        pieces.append(Piece(FrameSpan(start, batch.stop_frame), batch.results_path))
    return pieces


_SETTLED = {BatchStatus.COMPLETED, BatchStatus.FAILED}


def from_frame(part: PosePart, first_frame: int) -> PosePart | None:
    """What of a part lies at or after `first_frame`; None if nothing does."""
    if isinstance(part, PoseHead):
        return part
    if isinstance(part, FrameRange):
        return (
            None
            if part.last < first_frame
            else FrameRange(first=max(part.first, first_frame), last=part.last)
        )
    if not (part.batch.decoded_frames >= first_frame).any():
        return None
    batch = clipped(part.batch, FrameSpan(first_frame, int(part.batch.decoded_frames[-1]) + 1))
    return KnownPoses(batch=batch, person_ids=part.person_ids[part.batch.frame_index >= first_frame])

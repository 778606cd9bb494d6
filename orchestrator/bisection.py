"""Finding the frames of a run that cannot be processed: pure."""

from collections.abc import Sequence

from core.errors import (
    InferenceError,
    InferenceRefusedError,
    InferenceTimeoutError,
    KillingFrameError,
    UnforeseenError,
    WorkerLostError,
)
from core.video import FrameSpan

ATTEMPTS_OF_A_PIECE = 2
"""One to fail, one to tell a poison frame from a worker that was lost by chance."""
MOST_KILLING_RUNS_PER_VIDEO = 4
"""Each costs everybody some restarts of Triton. Where a video has more of them at a time, the rest of it is
set aside untried: any of its frames may do it."""
MOST_CUTS_PER_VIDEO = 32
"""Enough for four single frames of a run of 128; beyond it longer ranges are given up as they are."""
_MAY_BE_POISON = frozenset(
    error.code
    for error in (
        InferenceError,
        InferenceRefusedError,
        InferenceTimeoutError,
        KillingFrameError,
        UnforeseenError,
        WorkerLostError,
    )
)


def cut_frame(
    error_code: str, batches: Sequence[FrameSpan], cuts_made: int, blamed_frame: int | None = None
) -> int | None:
    """Where to cut a run that used up its attempts: the first frame of its second half.

    `batches` are its open frame batches, in order; a single one is cut itself. A frame that is to blame is
    cut off behind, then in front. None: the error is not one that some frames may cause, there is one frame
    left, or the video was cut often enough.
    """
    if error_code not in _MAY_BE_POISON or cuts_made >= MOST_CUTS_PER_VIDEO or not batches:
        return None
    if blamed_frame is not None:
        beside = (blamed_frame + 1, blamed_frame)
        return next((cut for cut in beside if batches[0].start < cut < batches[-1].stop), None)
    if len(batches) > 1:
        return batches[len(batches) // 2].start
    only = batches[0]
    return only.start + only.frame_count // 2 if only.frame_count > 1 else None

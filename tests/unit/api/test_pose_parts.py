"""What may be told of a video's poses by now, and from which frame on."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.poses.parts import KnownPoses, Piece, from_frame, settled_pieces
from biomechanics.summary import FrameRange
from core.jobs import BatchStatus
from core.poses import PoseBatch
from core.video import FrameSpan
from orchestrator.store.poses import FrameBatch

DONE = {BatchStatus.COMPLETED, BatchStatus.FAILED}


def batches_of(sizes: list[int], statuses: list[BatchStatus], files: list[int]) -> list[FrameBatch]:
    starts = np.cumsum([0, *sizes]).tolist()
    return [
        FrameBatch(
            start_frame=start,
            stop_frame=start + size,
            status=status,
            results_path=f"file {number}" if status is BatchStatus.COMPLETED else None,
        )
        for start, size, status, number in zip(starts, sizes, statuses, files, strict=False)
    ]


many = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(list(BatchStatus)), st.integers(0, 2)), max_size=12
).map(lambda rows: batches_of(*map(list, zip(*rows, strict=True))) if rows else [])


@given(many)
def test_pieces_follow_each_other_up_to_the_first_open_batch(batches: list[FrameBatch]) -> None:
    pieces = settled_pieces(batches, 0)
    stops = [0, *(piece.span.stop for piece in pieces)]
    assert [piece.span.start for piece in pieces] == stops[:-1]
    following = [batch for batch in batches if batch.start_frame == stops[-1]]
    assert all(batch.status not in DONE for batch in following)
    for piece in pieces:
        keys = {
            batch.results_path for batch in batches if piece.span.start <= batch.start_frame < piece.span.stop
        }
        assert keys == {piece.key}
    assert all(one.key != two.key for one, two in pairwise(pieces))


def test_a_gap_is_not_skipped() -> None:
    batches = batches_of([4, 4], [BatchStatus.COMPLETED] * 2, [1, 2])
    assert settled_pieces(batches[1:], 0) == []
    assert settled_pieces(batches[1:], 4) == [Piece(FrameSpan(4, 8), "file 2")]


def poses(frames: list[int], people: list[int]) -> KnownPoses:
    batch = PoseBatch(
        decoded_frames=np.array(frames, np.int32),
        decoded_pts_ns=np.array(frames, np.int64) * 40,
        frame_index=np.array(people, np.int32),
        boxes_px=np.zeros((len(people), 5), np.float32),
        keypoints_px=np.zeros((len(people), 26, 3), np.float32),
    )
    return KnownPoses(batch=batch, person_ids=np.arange(len(people), dtype=np.int32))


@given(st.integers(0, 12))
def test_what_comes_before_the_first_frame_is_left_out(first_frame: int) -> None:
    part = from_frame(poses([2, 3, 5, 6], [3, 3, 6]), first_frame)
    kept = [frame for frame in (2, 3, 5, 6) if frame >= first_frame]
    if not kept:
        assert part is None
        return
    assert isinstance(part, KnownPoses)
    assert part.batch.decoded_frames.tolist() == kept
    assert part.batch.decoded_pts_ns.tolist() == [frame * 40 for frame in kept]
    rows = [row for row, frame in enumerate((3, 3, 6)) if frame >= first_frame]
    assert part.person_ids.tolist() == rows
    assert len(part.batch.keypoints_px) == len(rows)


def test_a_range_is_cut() -> None:
    assert from_frame(FrameRange(first=2, last=5), 6) is None
    assert from_frame(FrameRange(first=2, last=5), 4) == FrameRange(first=4, last=5)
    assert from_frame(FrameRange(first=2, last=5), 0) == FrameRange(first=2, last=5)

"""However a run's frames are divided among requests, each lands in its own frame batch, with its people."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.poses import PoseBatch
from core.video import FrameSpan
from orchestrator.batch_assembly import BatchAssembly

JOINTS = 17
FRAMES = 24
cuts = st.sets(st.integers(1, FRAMES - 1)).map(lambda inner: [0, *sorted(inner), FRAMES])


def poses_of(frames: list[int]) -> PoseBatch:
    """Frame f has f modulo 3 people, whose boxes say f."""
    people = np.array([frame for frame in frames for _ in range(frame % 3)], np.int32)
    return PoseBatch(
        decoded_frames=np.array(frames, np.int32),
        decoded_pts_ns=np.array(frames, np.int64) * 1000,
        frame_index=people,
        boxes_px=np.repeat(people[:, None], 5, axis=1).astype(np.float32),
        keypoints_px=np.ones((len(people), JOINTS, 3), np.float32),
    )


def spans(bounds: list[int]) -> list[FrameSpan]:
    return [FrameSpan(start, stop) for start, stop in pairwise(bounds)]


def requests(bounds: list[int], lost: frozenset[int]) -> list[PoseBatch]:
    """The frames between two bounds that decode, where any do."""
    kept = [[i for i in range(start, stop) if i not in lost] for start, stop in pairwise(bounds)]
    return [poses_of(frames) for frames in kept if frames]


@given(cuts, cuts, st.frozensets(st.integers(0, FRAMES - 1)))
def test_every_decoded_frame_is_in_its_batch(
    batch_bounds: list[int], request_bounds: list[int], lost: frozenset[int]
) -> None:
    batches = spans(batch_bounds)
    assembly = BatchAssembly(batches, JOINTS)
    got = [batch for poses in requests(request_bounds, lost) for batch in assembly.take(poses)]
    got += assembly.rest()
    for batch, poses in zip(batches, got, strict=True):
        expected = poses_of([i for i in range(batch.start, batch.stop) if i not in lost])
        for name in ("decoded_frames", "decoded_pts_ns", "frame_index", "boxes_px", "keypoints_px"):
            np.testing.assert_array_equal(getattr(poses, name), getattr(expected, name))


@given(cuts, cuts)
def test_a_batch_is_whole_with_its_last_frame(batch_bounds: list[int], request_bounds: list[int]) -> None:
    assembly, whole = BatchAssembly(spans(batch_bounds), JOINTS), 0
    for poses in requests(request_bounds, frozenset()):
        whole += len(assembly.take(poses))
        assert whole == sum(stop - 1 <= poses.decoded_frames[-1] for stop in batch_bounds[1:])
    assert assembly.rest() == []

"""Tracks, gaps and times; and a stream of batches is smoothed as the whole is."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biomechanics.lowpass import LEAST_CUTOFF, LEAST_SAMPLES, MOST_CUTOFF, lowpass_kernel
from biomechanics.smoothing import BRIDGED_S, PeopleBatch, TrackSmoother, smooth_track, time_grid
from core.poses import PoseBatch

JOINTS = 3
TOLERANCE_PX = 1e-3


def times_ns(frames: int, rate: Fraction, tick_ns: int = 1) -> NDArray[np.int64]:
    """Times of a constant rate, in whole ticks of a container."""
    exact = [Fraction(index * 10**9) / rate for index in range(frames)]
    return np.array([round(time / tick_ns) * tick_ns for time in exact], np.int64)


def track(frames: int, seed: int = 0, noise_px: float = 3.0) -> NDArray[np.float32]:
    """A joint set [N, K, 3] that swings, with noise, all of it seen."""
    generator = np.random.default_rng(seed)
    swing = 400 + 200 * np.sin(np.arange(frames) / 15)[:, None, None]
    places = swing + generator.normal(0, noise_px, (frames, JOINTS, 2))
    return np.concatenate([places, np.full((frames, JOINTS, 1), 0.9)], axis=-1).astype(np.float32)


def batches_of(
    tracks: dict[int, NDArray[np.float32]],
    present: NDArray[np.bool_],
    cuts: Sequence[int],
    pts_ns: NDArray[np.int64],
) -> list[PeopleBatch]:
    """Pose batches that end at `cuts`; `present` [frames, people] says who is in which frame."""
    people = sorted(tracks)
    bounds = sorted({0, len(pts_ns), *cuts})
    batches = []
    for start, stop in pairwise(bounds):
        decoded = np.arange(start, stop, dtype=np.int32)
        rows = [
            (frame, person) for frame in decoded for at, person in enumerate(people) if present[frame, at]
        ]
        joints = [tracks[person][frame] for frame, person in rows]
        batch = PoseBatch(
            decoded_frames=decoded,
            decoded_pts_ns=pts_ns[decoded],
            frame_index=np.array([frame for frame, _ in rows], np.int32),
            boxes_px=np.zeros((len(rows), 5), np.float32),
            keypoints_px=np.array(joints, np.float32).reshape(-1, JOINTS, 3),
        )
        batches.append((batch, np.array([person for _, person in rows], np.int32)))
    return batches


def joined_joints(batches: Sequence[PeopleBatch]) -> NDArray[np.float32]:
    return np.concatenate([batch.keypoints_px for batch, _ in batches])


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 599), max_size=30),
    cutoff_hz=st.floats(1, 14.7),
    seed=st.integers(0, 2**32 - 1),
    unseen=st.floats(0, 0.6),
    uneven_ms=st.sampled_from([0, 9]),
)
def test_a_stream_is_smoothed_as_the_whole(
    cuts: list[int], cutoff_hz: float, seed: int, unseen: float, uneven_ms: int
) -> None:
    generator = np.random.default_rng(seed)
    pts_ns = times_ns(600, Fraction(30)) + generator.integers(0, uneven_ms + 1, 600) * 1_000_000
    tracks = {person: track(600, seed % 1000 + person) for person in (1, 2)}
    for joints in tracks.values():
        joints[..., 2] = np.where(generator.random((600, JOINTS)) < unseen, 0.1, 0.9)
    present = generator.random((600, 2)) < 0.97
    whole = list(TrackSmoother(cutoff_hz, pts_ns).stream(batches_of(tracks, present, [], pts_ns)))
    pieces = batches_of(tracks, present, cuts, pts_ns)
    smoothed = list(TrackSmoother(cutoff_hz, pts_ns).stream(iter(pieces)))
    np.testing.assert_allclose(joined_joints(smoothed), joined_joints(whole), atol=TOLERANCE_PX)
    for (before, ids), (after, same_ids) in zip(pieces, smoothed, strict=True):
        assert after.decoded_frames is before.decoded_frames
        assert after.frame_index is before.frame_index
        assert same_ids is ids
        np.testing.assert_array_equal(after.keypoints_px[..., 2], before.keypoints_px[..., 2])


def test_memory_does_not_grow_with_the_video() -> None:
    """What was taken ahead of what was given out is bounded by the cutoff."""
    pts_ns = times_ns(6000, Fraction(30))
    pieces = batches_of({1: track(6000)}, np.ones((6000, 1), np.bool_), range(0, 6000, 32), pts_ns)
    taken, most_ahead = 0, 0

    def counted() -> object:
        nonlocal taken
        for piece in pieces:
            taken += len(piece[1])
            yield piece

    given = 0
    for batch, _ in TrackSmoother(6, pts_ns).stream(counted()):  # type: ignore[arg-type]
        most_ahead = max(most_ahead, taken - given)
        given += len(batch.frame_index)
    assert given == 6000
    assert most_ahead <= 4 * (len(lowpass_kernel(6, 30)) // 2 + BRIDGED_S * 30 + 2) + 64


def test_noise_goes_and_motion_stays() -> None:
    pts_ns = times_ns(300, Fraction(60))
    noisy, clean = track(300, noise_px=5), track(300, noise_px=0)
    (after,) = TrackSmoother(6, pts_ns).stream(
        batches_of({1: noisy}, np.ones((300, 1), np.bool_), [], pts_ns)
    )
    inside = slice(20, -20)
    error_before = np.abs(noisy - clean)[inside, :, :2].mean()
    error_after = np.abs(after[0].keypoints_px - clean)[inside, :, :2].mean()
    assert error_after < 0.6 * error_before


@pytest.mark.parametrize(("missing", "is_bridged"), [(5, True), (6, False)])
def test_gaps_are_bridged_up_to_a_length(missing: int, is_bridged: bool) -> None:
    """0.2 s between two sightings at 30 Hz are 5 frames without one."""
    joints = track(80, noise_px=0)
    joints[40 : 40 + missing, 0] = (9999.0, -9999.0, 0.0)
    kernel = lowpass_kernel(6, 30)
    smooth = smooth_track(np.arange(80.0), joints, kernel, BRIDGED_S * 30)
    np.testing.assert_array_equal(smooth[..., 2], joints[..., 2])
    gap = slice(40, 40 + missing)
    if is_bridged:
        np.testing.assert_allclose(smooth[gap, 0, :2], track(80, noise_px=0)[gap, 0, :2], atol=20)
    else:
        np.testing.assert_array_equal(smooth[gap, 0], joints[gap, 0])
        apart = smooth_track(np.arange(40.0), joints[:40], kernel, BRIDGED_S * 30)
        np.testing.assert_array_equal(smooth[:40, 0], apart[:, 0])


@given(st.integers(0, LEAST_SAMPLES - 1))
def test_short_tracks_stay_as_they_are(frames: int) -> None:
    joints = track(frames)
    np.testing.assert_array_equal(
        smooth_track(np.arange(float(frames)), joints, lowpass_kernel(6, 30), 6), joints
    )


def test_a_joint_that_is_never_seen_stays_as_it_is() -> None:
    joints = track(50)
    joints[:, 1, 2] = 0.29
    smooth = smooth_track(np.arange(50.0), joints, lowpass_kernel(6, 30), 6)
    np.testing.assert_array_equal(smooth[:, 1], joints[:, 1])
    assert (smooth[:, 0, :2] != joints[:, 0, :2]).any()


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30000, 1001), Fraction(60), Fraction(240)])
@pytest.mark.parametrize("tick_ns", [1, 11_111, 1_000_000])
def test_a_constant_rate_is_found_in_rounded_times(rate: Fraction, tick_ns: int) -> None:
    grid = time_grid(times_ns(2000, rate, tick_ns))
    assert not grid.is_resampled
    assert grid.sampling_hz == pytest.approx(float(rate), rel=1e-3)
    np.testing.assert_array_equal(grid.positions, np.arange(2000))


def test_dropped_frames_are_places_without_a_sample() -> None:
    kept = np.delete(np.arange(200), [50, 51, 120])
    grid = time_grid(times_ns(200, Fraction(30))[kept])
    assert not grid.is_resampled
    np.testing.assert_array_equal(grid.positions, kept)


def test_a_variable_rate_is_brought_to_a_constant_one() -> None:
    """A straight motion in time stays one, however unevenly the frames come."""
    generator = np.random.default_rng(3)
    pts_ns = np.cumsum(generator.integers(20_000_000, 47_000_000, 300))
    joints = np.full((300, JOINTS, 3), 0.9, np.float32)
    joints[..., :2] = (500 * (pts_ns - pts_ns[0]) / 1e9)[:, None, None]
    smoother = TrackSmoother(6, pts_ns)
    assert smoother.smoothing.is_resampled
    (after,) = smoother.stream(batches_of({1: joints}, np.ones((300, 1), np.bool_), [], pts_ns))
    inside = slice(30, -30)
    np.testing.assert_allclose(after[0].keypoints_px[inside], joints[inside], atol=0.5)


@pytest.mark.parametrize(
    ("frames", "rate", "cutoff_hz", "sentence"),
    [
        (40, Fraction(24), 12.5, "expected a cutoff from 0.024 to 11.76 Hz"),
        (60, Fraction(30), 15, "of the frame rate 30 Hz, got 15 Hz"),
        (60, Fraction(30000, 1001), 14.985, "to 14.6853 Hz"),
        (60, Fraction(10_000), 1, "expected a cutoff from 10 to 4900 Hz"),
        (1, Fraction(24), 6, "expected frames of several times, got one"),
    ],
)
def test_a_cutoff_that_the_rate_does_not_carry_is_declared(
    frames: int, rate: Fraction, cutoff_hz: float, sentence: str
) -> None:
    """Times in whole nanoseconds let 30 Hz be 30.00000001: 15 Hz would be below its half, by nothing."""
    pts_ns = times_ns(frames, rate)
    smoother = TrackSmoother(cutoff_hz, pts_ns)
    assert not smoother.smoothing.is_applied
    assert sentence in str(smoother.smoothing.reason)
    pieces = batches_of({1: track(frames)}, np.ones((frames, 1), np.bool_), [], pts_ns)
    assert list(smoother.stream(pieces)) == pieces


def test_frames_of_one_time_have_no_rate() -> None:
    """Ticks shorter than a nanosecond fall together."""
    assert time_grid(np.zeros(3, np.int64)).sampling_hz == 0


@given(st.floats(LEAST_CUTOFF, MOST_CUTOFF), st.floats(1, 120_000))
def test_the_filter_reaches_over_some_thousand_samples_at_most(share: float, sampling_hz: float) -> None:
    assert len(lowpass_kernel(share * sampling_hz, sampling_hz)) < 10_000

"""Joints smoothed over time, person by person."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biomechanics.lowpass import LEAST_CUTOFF, LEAST_SAMPLES, MOST_CUTOFF, low_passed, lowpass_kernel
from core.poses import PoseBatch

SEEN_CONFIDENCE = 0.3
"""A joint below it was not seen."""
BRIDGED_S = 0.2
"""Longest time between two sightings of a joint that is bridged, by a straight line."""
_NEAR_A_TICK = 0.25
"""Of a sampling interval: times this near to those of a constant rate are taken for them."""
_NS_PER_S = 1e9

PeopleBatch = tuple[PoseBatch, NDArray[np.int32]]
"""A pose batch and the numbers, int32 [M], of its people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothing:
    """How the joints of a video were smoothed: in its `summary.json`."""

    is_applied: bool
    reason: str | None
    """Why it was not, if it was asked for and not applied."""
    cutoff_hz: float
    """Gain 1/2."""
    sampling_hz: float
    """Of the filter: the usual rate of the video's frames; 0: there is none."""
    is_resampled: bool
    """The frames do not come at a constant rate: joints were put onto one by straight lines, and back."""
    filter: str = "butterworth, 2nd order forwards and backwards (4th in effect, no phase shift)"
    bridged_s: float = BRIDGED_S
    """Joints not seen for longer, and stretches of less than `least_samples`, are as they were found."""
    seen_confidence: float = SEEN_CONFIDENCE
    least_samples: int = LEAST_SAMPLES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TimeGrid:
    """Times of a constant rate."""

    sampling_hz: float
    """0: the frames have one time only."""
    positions: NDArray[np.float64]
    """[frames] places of a video's frames on the grid, increasing; whole numbers unless `is_resampled`."""
    is_resampled: bool


def time_grid(pts_ns: NDArray[np.int64]) -> TimeGrid:
    """The grid that the frames' times, [frames] increasing, lie on or, if they lie on none, between.

    Its interval is the mean of those that are like the middle one: where a camera drops a frame, the next
    one is two intervals away.
    """
    steps_ns = np.diff(pts_ns)
    middle_ns = np.median(steps_ns) if len(steps_ns) else 0.0
    if not middle_ns:
        return TimeGrid(sampling_hz=0.0, positions=np.zeros(len(pts_ns)), is_resampled=False)
    step_ns = float(steps_ns[np.abs(steps_ns - middle_ns) <= middle_ns / 2].mean())
    positions = (pts_ns - pts_ns[0]) / step_ns
    ticks = np.round(positions)
    on_grid = bool((np.abs(positions - ticks) <= _NEAR_A_TICK).all() and (np.diff(ticks) >= 1).all())
    return TimeGrid(
        sampling_hz=_NS_PER_S / step_ns,
        positions=ticks if on_grid else positions,
        is_resampled=not on_grid,
    )


class TrackSmoother:
    """Smooths the people of one video as they come, with memory for a stretch of it that the cutoff sets."""

    def __init__(self, cutoff_hz: float, pts_ns: NDArray[np.int64]) -> None:
        """`pts_ns` are the times of the video's frames, [frames]."""
        self._grid = time_grid(pts_ns)
        self._gap = max(1.5, BRIDGED_S * self._grid.sampling_hz)
        reason = _refusal(cutoff_hz, self._grid.sampling_hz)
        is_applied = reason is None
        self.smoothing = Smoothing(
            is_applied=is_applied,
            reason=reason,
            cutoff_hz=cutoff_hz,
            sampling_hz=round(self._grid.sampling_hz, 6),
            is_resampled=is_applied and self._grid.is_resampled,
        )
        self._kernel = lowpass_kernel(cutoff_hz, self._grid.sampling_hz) if is_applied else np.ones(1)
        self._margin = len(self._kernel) // 2 + self._gap + 2
        """What is further away on the grid does not matter to a joint."""

    def stream(self, batches: Iterable[PeopleBatch]) -> Iterator[PeopleBatch]:
        """The batches of a video, in the order of its frames, with smoothed joints; all else is as it was."""
        if not self.smoothing.is_applied:
            yield from batches
            return
        held: list[PeopleBatch] = []
        done = 0
        for batch in batches:
            held.append(batch)
            ready = self._ready(held, done)
            if ready > done and self._span(held[done:ready]) >= 2 * self._margin:
                yield from self._smoothed(held)[done:ready]
                held, done = self._still_needed(held, ready)
        yield from self._smoothed(held)[done:]

    def _ready(self, held: Sequence[PeopleBatch], done: int) -> int:
        """How many of those held have all that matters to them."""
        last = self._position(held[-1], -1)
        ready = done
        while ready < len(held) and self._position(held[ready], -1) + self._margin <= last:
            ready += 1
        return ready

    def _still_needed(self, held: list[PeopleBatch], done: int) -> tuple[list[PeopleBatch], int]:
        """Those that matter to the ones that are not done, and how many of these are done."""
        first = self._position(held[done], 0) - self._margin
        old = sum(self._position(batch, -1) < first for batch in held[:done])
        return held[old:], done - old

    def _span(self, batches: Sequence[PeopleBatch]) -> float:
        return self._position(batches[-1], -1) - self._position(batches[0], 0)

    def _position(self, batch: PeopleBatch, at: int) -> float:
        return float(self._grid.positions[batch[0].decoded_frames[at]])

    def _smoothed(self, batches: Sequence[PeopleBatch]) -> list[PeopleBatch]:
        if not batches:
            return []
        frames = np.concatenate([batch.frame_index for batch, _ in batches])
        person_ids = np.concatenate([ids for _, ids in batches])
        keypoints = np.concatenate([batch.keypoints_px for batch, _ in batches])
        for person_id in np.unique(person_ids):
            rows = np.flatnonzero(person_ids == person_id)
            keypoints[rows] = smooth_track(
                self._grid.positions[frames[rows]], keypoints[rows], self._kernel, self._gap
            )
        ends = np.cumsum([len(ids) for _, ids in batches])[:-1]
        parts = np.split(keypoints, ends)
        return [
            (replace(batch, keypoints_px=part), ids)
            for (batch, ids), part in zip(batches, parts, strict=True)
        ]


def smooth_track(
    positions: NDArray[np.float64],
    keypoints_px: NDArray[np.float32],
    kernel: NDArray[np.float64],
    gap: float,
) -> NDArray[np.float32]:
    """The joints of one person in N frames, [N, K, 3] x y confidence, smoothed.

    `positions` [N] are the frames' places on a grid of constant rate, `gap` is the longest way there between
    two sightings that is bridged. A joint that was not seen within a bridged gap gets a place there; its
    confidence stays. Confidences, longer gaps and stretches of few samples stay as they are.
    """
    smooth_px = keypoints_px.copy()
    for joint in range(keypoints_px.shape[1]):
        seen = np.flatnonzero(keypoints_px[:, joint, 2] >= SEEN_CONFIDENCE)
        for stretch in np.split(seen, np.flatnonzero(np.diff(positions[seen]) > gap) + 1):
            if len(stretch):
                _smooth_stretch(smooth_px[:, joint, :2], positions, stretch, kernel)
    return smooth_px


def _smooth_stretch(
    places_px: NDArray[np.float32],
    positions: NDArray[np.float64],
    stretch: NDArray[np.intp],
    kernel: NDArray[np.float64],
) -> None:
    """Smooth places [N, 2] in place from the first to the last of those, `stretch`, where they are known."""
    first, last = int(stretch[0]), int(stretch[-1])
    grid = np.arange(np.floor(positions[first]), np.ceil(positions[last]) + 1)
    if len(grid) < LEAST_SAMPLES:
        return
    samples = np.stack([np.interp(grid, positions[stretch], axis) for axis in places_px[stretch].T], axis=-1)
    at = positions[first : last + 1]
    smooth = [np.interp(at, grid, axis) for axis in low_passed(samples, kernel).T]
    places_px[first : last + 1] = np.stack(smooth, axis=-1)


def _refusal(cutoff_hz: float, sampling_hz: float) -> str | None:
    """Why a rate does not carry a cutoff."""
    if not sampling_hz:
        return "expected frames of several times, got one"
    least_hz, most_hz = LEAST_CUTOFF * sampling_hz, MOST_CUTOFF * sampling_hz
    if least_hz <= cutoff_hz <= most_hz:
        return None
    return (
        f"expected a cutoff from {least_hz:.6g} to {most_hz:.6g} Hz, {LEAST_CUTOFF} to {MOST_CUTOFF} of the "
        f"frame rate {sampling_hz:.6g} Hz, got {cutoff_hz:g} Hz"
    )

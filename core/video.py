"""Frames and what is known of a video before its pixels are decoded."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One displayed picture of a video."""

    index: int
    """Place in presentation order, from 0."""
    pts_ns: int
    """Presentation time; the video's first frame need not be at 0."""
    image: NDArray[np.uint8]
    """[height, width, 3] RGB, rotated as displayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoInfo:
    """What the container says of a video's frames. Sizes are as displayed, after rotation."""

    width_px: int
    height_px: int
    rotation_deg: int
    """Clockwise turn from the coded to the displayed picture: 0, 90, 180 or 270."""
    frame_rate: Fraction
    """Average frames per second; times come from `pts_ns`, never from this."""
    pts_ns: NDArray[np.int64]
    """[frames] presentation times, increasing."""
    keyframes: NDArray[np.int32]
    """Indices of the frames where decoding can start, increasing; the first is 0."""
    codec: str
    container: str

    @property
    def frame_count(self) -> int:
        """Number of frames that the container promises; a damaged video may decode to fewer."""
        return len(self.pts_ns)


@dataclass(frozen=True, slots=True, order=True)
class FrameSpan:
    """Frames `start` to `stop` (exclusive) of a video, in presentation order."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop:
            raise ValueError(f"expected 0 <= start < stop, got {self.start}..{self.stop}")

    @property
    def frame_count(self) -> int:
        """Number of frames in the span."""
        return self.stop - self.start

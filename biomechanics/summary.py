"""What a video's results amount to."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from biomechanics.smoothing import Smoothing
from core.networks import Networks
from core.poses import PoseBatch
from core.skeletons import Skeleton
from core.video import VideoInfo

_NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRange:
    """Frames `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRange:
    """Frames that were given up after all their attempts."""

    first_frame: int
    last_frame: int
    """Included."""
    error_code: str
    error_message: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuRange:
    """Frames that a GPU's decoders left to the CPU; the first of them may be still the GPU's."""

    first_frame: int
    last_frame: int
    """Included."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSummary:
    """A video's `summary.json`."""

    video: str
    codec: str
    container: str
    width_px: int
    height_px: int
    rotation_deg: int
    frame_rate: str
    """Frames per second as a fraction, such as 30000/1001."""
    start_s: float
    """Presentation time of the first frame."""
    duration_s: float
    """From the first frame's start to the last one's end."""
    frames: int
    frames_decoded: int
    missing_frames: tuple[FrameRange, ...]
    """Frames that the video has but the results have not."""
    skeleton: str
    people: int
    """Distinct identities."""
    most_people_in_a_frame: int
    poses: int
    """Rows of the keypoint table: people summed over frames."""
    mean_confidence: float | None
    """Mean over all joints of all poses; None without poses."""
    decoded_on_cpu: tuple[CpuRange, ...] = ()
    """Where a worker with a GPU decoded on the CPU, and why. Where there is no GPU, nothing is said."""
    networks: Networks = field(default_factory=dict)
    """What the poses come from: the SHA-256 of each network's file."""
    smoothing: Smoothing | None = None
    """How the joints were smoothed; None: they are as they were found."""
    failed_ranges: tuple[FailedRange, ...] = ()
    """Where frames are missing for another reason than that they could not be decoded."""


class VideoSummaryBuilder:
    """Gathers a summary batch by batch, with flat memory."""

    def __init__(self, video_name: str, info: VideoInfo, skeleton: Skeleton) -> None:
        self._video_name = video_name
        self._info = info
        self._skeleton = skeleton
        self._decoded = np.zeros(info.frame_count, np.bool_)
        self._people: set[int] = set()
        self._most_people = 0
        self._poses = 0
        self._confidence_sum = 0.0
        self._cpu_ranges: list[CpuRange] = []
        self._cpu_reason: str | None = None
        """Of the last batch."""

    def append(self, batch: PoseBatch, person_ids: NDArray[np.int32]) -> None:
        """Count a batch; `person_ids` is int32 [M] beside its people."""
        self._decoded[batch.decoded_frames] = True
        self._note_decoder(batch)
        self._people.update(person_ids.tolist())
        self._poses += len(batch.frame_index)
        self._confidence_sum += float(batch.keypoints_px[..., 2].sum(dtype=np.float64))
        if len(batch.frame_index):
            _, counts = np.unique(batch.frame_index, return_counts=True)
            self._most_people = max(self._most_people, int(counts.max()))

    def _note_decoder(self, batch: PoseBatch) -> None:
        """Batches that follow each other with the same reason are one range."""
        if not len(batch.decoded_frames):
            return
        before, self._cpu_reason = self._cpu_reason, batch.cpu_reason
        if batch.cpu_reason is None:
            return
        first, last = int(batch.decoded_frames[0]), int(batch.decoded_frames[-1])
        if before == batch.cpu_reason:
            first = self._cpu_ranges.pop().first_frame
        self._cpu_ranges.append(CpuRange(first_frame=first, last_frame=last, reason=batch.cpu_reason))

    def build(self) -> VideoSummary:
        """The summary of what was appended."""
        info = self._info
        joints = self._poses * len(self._skeleton.joints)
        return VideoSummary(
            video=self._video_name,
            codec=info.codec,
            container=info.container,
            width_px=info.width_px,
            height_px=info.height_px,
            rotation_deg=info.rotation_deg,
            frame_rate=f"{info.frame_rate.numerator}/{info.frame_rate.denominator}",
            start_s=round(float(info.pts_ns[0]) / _NS_PER_S, 6),
            duration_s=round(_duration_s(info), 6),
            frames=info.frame_count,
            frames_decoded=int(self._decoded.sum()),
            missing_frames=frame_ranges(~self._decoded),
            skeleton=self._skeleton.name,
            people=len(self._people),
            most_people_in_a_frame=self._most_people,
            poses=self._poses,
            mean_confidence=round(self._confidence_sum / joints, 4) if joints else None,
            decoded_on_cpu=tuple(self._cpu_ranges),
        )


def frame_ranges(mask: NDArray[np.bool_]) -> tuple[FrameRange, ...]:
    """The runs of True in a mask [frames], in order."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    firsts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple(
        FrameRange(first=int(first), last=int(stop) - 1) for first, stop in zip(firsts, stops, strict=True)
    )


def _duration_s(info: VideoInfo) -> float:
    shown_ns = Fraction(int(info.pts_ns[-1] - info.pts_ns[0]), 10**9)
    return float(shown_ns + 1 / info.frame_rate)

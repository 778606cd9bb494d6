"""The decoder's side of the frame path: a run's frames, decoded straight into ring slots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.video import FrameSpan, VideoInfo
from ingest.places import FrameDecoder, Place
from orchestrator.detection import DetectionPlan
from orchestrator.frame_ring import FrameRing, Slot
from orchestrator.triton import FrameShape


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRun:
    """Consecutive frames of one video."""

    path: Path
    info: VideoInfo
    batches: Sequence[FrameSpan]
    """At least one; they follow each other."""
    detector_interval: int = 1
    alone: bool = False
    """Each frame, or each group of frames that belong together, travels in a request of its own."""

    @property
    def span(self) -> FrameSpan:
        """From the first frame to the last."""
        return FrameSpan(self.batches[0].start, self.batches[-1].stop)

    def detection(self, frames_per_request: int) -> DetectionPlan:
        """At which frames the detector looks."""
        return DetectionPlan.of(self.batches, self.detector_interval, frames_per_request)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameRequest:
    """Decoded frames of a run, in a slot; their pixels are the slot's first N frames."""

    slot: Slot
    shape: FrameShape
    frames: NDArray[np.int32]
    """[N] indices in the video."""
    pts_ns: NDArray[np.int64]
    """[N] presentation times."""
    cpu_reason: str | None
    """See `PoseBatch`."""
    detected: list[bool]
    """[N] whether the detector looks at a frame."""


class RunStoppedError(Exception):
    """The run was given up; ends the decoder's thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPort:
    """What the decoder's thread needs of the event loop's side. Both calls come from that thread."""

    borrow: Callable[[], Slot]
    """Wait for a free slot. Raises RunStoppedError."""
    emit: Callable[[FrameRequest], None]
    """Hand a request over."""


class RequestFiller:
    """Decodes a run. `fill` blocks while no slot is free, so it needs a thread of its own."""

    def __init__(
        self, run: VideoRun, decoder: FrameDecoder, ring: FrameRing, frames_max: int, port: RequestPort
    ) -> None:
        self._run = run
        self._plan = run.detection(frames_max)
        self._decoder = decoder
        self._ring = ring
        self._shape = (frames_max, run.info.height_px, run.info.width_px, 3)
        self._port = port
        self._slot: Slot | None = None
        self._places: list[Place] = []
        self._frames: list[int] = []
        self._cpu_reason: str | None = None

    def fill(self) -> None:
        """Decode all frames. Raises MediaError leaves if none can be decoded; returns when stopped."""
        run = self._run
        try:
            self._decoder.decode_into(run.path, run.info, run.span, self._take, self._tell)
            self._emit()
        except RunStoppedError:
            return

    def _take(self, frame_index: int, settle: Callable[[], None]) -> Place:
        """Where the decoder writes a frame."""
        if not self._has_room(frame_index):
            settle()
            self._emit()
        if self._slot is None:
            self._slot = self._port.borrow()
            self._places = self._ring.places(self._slot, self._shape)
        self._frames.append(frame_index)
        return self._places[len(self._frames) - 1]

    def _has_room(self, frame_index: int) -> bool:
        """For the frame and, if it is the first of its group, for all of that."""
        group = self._plan.group_of(frame_index)
        has_begun = bool(self._frames) and self._frames[-1] >= group.start
        if self._run.alone and self._frames and not has_begun:
            return False
        needed = 1 if has_begun else group.frame_count
        return len(self._frames) + needed <= self._shape[0]

    def _tell(self, reason: str) -> None:
        """Frames that are waiting in the slot are taken for some of the CPU's."""
        self._cpu_reason = reason

    def _emit(self) -> None:
        if self._slot is None or not self._frames:
            return
        frames = np.array(self._frames, dtype=np.int32)
        request = FrameRequest(
            slot=self._slot,
            shape=(len(frames), *self._shape[1:]),
            frames=frames,
            pts_ns=self._run.info.pts_ns[frames],
            cpu_reason=self._cpu_reason,
            detected=self._plan.detected(self._frames),
        )
        self._slot, self._frames = None, []
        self._port.emit(request)

"""A source of poses that needs no Triton: one person per frame, told by the frame's index."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import numpy as np

from core.networks import Networks
from core.poses import PoseBatch
from core.skeletons import HALPE_26
from core.video import VideoInfo
from orchestrator.frame_requests import VideoRun
from orchestrator.stages.infer import PoseSource


@dataclass
class KnownPoses:
    """Stands where `FramePath` does."""

    delay_s: float = 0.0
    """Per frame batch."""
    errors: list[Exception] = field(default_factory=list)
    """Raised by the first batches, one each."""
    undecodable: frozenset[int] = frozenset()
    """Indices of damaged frames."""
    started_runs: int = 0
    served: Networks = field(default_factory=lambda: {"yolo": "1", "hrnet": "1"})

    async def networks(self) -> Networks:
        """Made up; a test may exchange them."""
        return self.served

    async def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """One person per decoded frame."""
        self.started_runs += 1
        for batch in run.batches:
            await asyncio.sleep(self.delay_s)
            if self.errors:
                raise self.errors.pop(0)
            frames = [index for index in range(batch.start, batch.stop) if index not in self.undecodable]
            yield known_poses(np.array(frames, np.int32), run.info)


def known_poses(frames: np.ndarray[tuple[int], np.dtype[np.int32]], info: VideoInfo) -> PoseBatch:
    """A person of 40x60 px per frame that moves 1 px to the right each time."""
    left_px = frames.astype(np.float32) % max(1, info.width_px - 40)
    ones = np.ones_like(left_px)
    boxes = np.stack([left_px, 10 * ones, left_px + 40, 70 * ones, 0.9 * ones], axis=-1)
    keypoints = np.empty((len(frames), len(HALPE_26.joints), 3), np.float32)
    keypoints[..., 0] = left_px[:, None] + np.arange(26)
    keypoints[..., 1] = 12 + np.arange(26)
    keypoints[..., 2] = 0.8
    return PoseBatch(
        decoded_frames=frames,
        decoded_pts_ns=info.pts_ns[frames],
        frame_index=frames,
        boxes_px=boxes,
        keypoints_px=keypoints,
    )


@dataclass(frozen=True)
class OneTriton:
    """Stands where `Clusters` does: every project has the same."""

    poses: PoseSource

    async def of(self, cluster_url: str | None) -> PoseSource:
        """That one."""
        return self.poses

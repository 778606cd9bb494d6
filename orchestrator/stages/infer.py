"""One run of frame batches -> poses."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from core.errors import LeaseLostError
from core.poses import PoseBatch
from core.video import FrameSpan, VideoInfo
from orchestrator.objects import ObjectStore
from orchestrator.pose_files import decode_info, encode_poses, index_key, pose_key
from orchestrator.stages.submit import named_as
from orchestrator.store import Store
from orchestrator.store.flow import BatchResult, OpenBatch, VideoSource
from orchestrator.store.tasks import Lease

_VIDEOS_KEPT = 8
"""Descriptions of videos that a worker keeps: the runs of a video follow each other."""


class PoseSource(Protocol):
    """Turns frames into poses; `orchestrator.frame_path.FramePath` is the real one."""

    def infer_run(
        self, path: Path, info: VideoInfo, batches: Sequence[FrameSpan]
    ) -> AsyncGenerator[PoseBatch, None]:
        """One pose batch per frame batch, in order; damaged frames are missing from it."""


class InferStep:
    """Infers what is left of a run and commits each frame batch by itself."""

    def __init__(self, store: Store, objects: ObjectStore, poses: PoseSource) -> None:
        self._store = store
        self._objects = objects
        self._poses = poses
        self._described = lru_cache(maxsize=_VIDEOS_KEPT)(lambda key: decode_info(objects.read(key)))

    async def run(self, lease: Lease) -> None:
        """A run that was broken off goes on where it was. Raises CorruptVideoError if nothing decodes."""
        batches = await self._store.flow.open_batches(lease.id)
        if batches:
            source = await self._store.flow.video_source(lease.video)
            await self._infer(lease, source, batches)
        await self._store.flow.commit_run(lease)

    async def _infer(self, lease: Lease, source: VideoSource, batches: list[OpenBatch]) -> None:
        path = self._objects.local_path(source.path)
        info = await asyncio.to_thread(self._described, index_key(source.results_path))
        spans = [FrameSpan(batch.start_frame, batch.stop_frame) for batch in batches]
        waiting = iter(batches)
        with named_as(source.name, path):
            async with aclosing(self._poses.infer_run(path, info, spans)) as results:
                async for poses in results:
                    await self._commit(lease, source, next(waiting), poses)

    async def _commit(self, lease: Lease, source: VideoSource, batch: OpenBatch, poses: PoseBatch) -> None:
        """Once begun it goes on to its end, also when the run is broken off: the thread that writes the file
        cannot be stopped, and somebody must remove the file if it does not count."""
        keeping = asyncio.create_task(self._keep(lease, source, batch, poses), name=f"keep-{batch.id}")
        try:
            await asyncio.shield(keeping)
        except asyncio.CancelledError:
            await asyncio.gather(keeping, return_exceptions=True)
            raise

    async def _keep(self, lease: Lease, source: VideoSource, batch: OpenBatch, poses: PoseBatch) -> None:
        """First the file, then the row that makes it count."""
        key = pose_key(source.results_path, batch.start_frame, lease.epoch)
        await asyncio.to_thread(lambda: self._objects.put(key, encode_poses(poses)))
        result = BatchResult(key=key, frames_decoded=len(poses.decoded_frames), people=len(poses.frame_index))
        try:
            await self._store.flow.commit_batch(lease, batch.id, result)
        except LeaseLostError:
            await asyncio.to_thread(self._objects.delete, key)
            raise

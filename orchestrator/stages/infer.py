"""One run of frame batches -> poses."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Protocol

from core.errors import LeaseLostError
from core.poses import PoseBatch, joined
from core.video import FrameSpan, VideoInfo
from orchestrator.gathering import gathered
from orchestrator.objects import ObjectStore
from orchestrator.pose_files import decode_info, encode_poses, index_key, pose_key
from orchestrator.stages.submit import named_as
from orchestrator.store import Store
from orchestrator.store.flow import BatchResult, OpenBatch, VideoSource
from orchestrator.store.tasks import Lease

_BATCHES_PER_COMMIT = 16
"""At most: what waits while a commit is under way goes with the next one."""
_COMMIT_GRACE_S = 2.0
_VIDEOS_KEPT = 8
"""Descriptions of videos that a worker keeps: the runs of a video follow each other."""

_Done = tuple[OpenBatch, PoseBatch]


class PoseSource(Protocol):
    """Turns frames into poses; `orchestrator.frame_path.FramePath` is the real one."""

    def infer_run(
        self, path: Path, info: VideoInfo, batches: Sequence[FrameSpan]
    ) -> AsyncGenerator[PoseBatch, None]:
        """One pose batch per frame batch, in order; damaged frames are missing from it."""


class InferStep:
    """Infers what is left of a run and commits its frame batches as they come, those that wait together."""

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
        path = await asyncio.to_thread(self._objects.local_path, source.path)
        info = await asyncio.to_thread(self._described, index_key(source.results_path))
        spans = [FrameSpan(batch.start_frame, batch.stop_frame) for batch in batches]
        waiting = iter(batches)
        with named_as(source.name, path):
            async with (
                aclosing(self._poses.infer_run(path, info, spans)) as results,
                aclosing(gathered(results, _BATCHES_PER_COMMIT)) as groups,
            ):
                async for poses in groups:
                    done = list(zip(islice(waiting, len(poses)), poses, strict=True))
                    await self._commit(lease, source, done)

    async def _commit(self, lease: Lease, source: VideoSource, done: Sequence[_Done]) -> None:
        """First the file, then the rows that make it count."""
        key = pose_key(source.results_path, done[0][0].start_frame, lease.epoch)
        await self._write(key, [poses for _, poses in done])
        results = [
            BatchResult(
                batch_id=batch.id, frames_decoded=len(poses.decoded_frames), people=len(poses.frame_index)
            )
            for batch, poses in done
        ]
        committing = asyncio.ensure_future(self._store.flow.commit_batches(lease, key, results))
        try:
            await asyncio.shield(committing)
        except asyncio.CancelledError:
            await self._end_soon(committing, key)
            raise
        except LeaseLostError:
            await asyncio.to_thread(self._objects.delete, key)
            raise

    async def _end_soon(self, committing: asyncio.Future[bool], key: str) -> None:
        """The run is broken off while Postgres commits. If that refuses, the file goes; without an answer
        the file stays, because it may count."""
        await asyncio.wait({committing}, timeout=_COMMIT_GRACE_S)
        committing.cancel()
        ended = (await asyncio.gather(committing, return_exceptions=True))[0]
        if isinstance(ended, LeaseLostError):
            await asyncio.to_thread(self._objects.delete, key)

    async def _write(self, key: str, poses: Sequence[PoseBatch]) -> None:
        """The thread that writes cannot be stopped: who breaks a run off waits and removes the file."""
        writing = asyncio.ensure_future(
            asyncio.to_thread(lambda: self._objects.put(key, encode_poses(joined(poses))))
        )
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.gather(writing, return_exceptions=True)
            await asyncio.to_thread(self._objects.delete, key)
            raise

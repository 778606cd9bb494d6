"""One run of frame batches -> poses."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

from core.errors import LeaseLostError, MixedNetworksError
from core.networks import Networks
from core.poses import PoseBatch, joined
from core.video import FrameSpan
from orchestrator.frame_requests import VideoRun
from orchestrator.gathering import gathered
from orchestrator.metrics import Metrics
from orchestrator.objects import ObjectStore
from orchestrator.pose_files import decode_info, encode_poses, index_key, pose_key
from orchestrator.stages.submit import named_as
from orchestrator.store import Store
from orchestrator.store.flow import BatchResult, OpenBatch, VideoSource
from orchestrator.store.tasks import Lease

_BATCHES_PER_COMMIT = 16
"""At most: what waits while a commit is under way goes with the next one."""
_COMMIT_GRACE_S = 2.0
_MOST_NETWORK_CHANGES = 3
"""Of a video; beyond it servers differ, which only a person can mend."""
_VIDEOS_KEPT = 8
"""Descriptions of videos that a worker keeps: the runs of a video follow each other."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """The poses of a frame batch."""

    batch: OpenBatch
    poses: PoseBatch
    began_s: float
    """When it was the next one of its run, by the monotonic clock."""


class PoseSource(Protocol):
    """Turns frames into poses; `orchestrator.frame_path.FramePath` is the real one."""

    async def networks(self) -> Networks:
        """What computes the poses now."""

    def infer_run(self, run: VideoRun, networks: Networks) -> AsyncGenerator[PoseBatch, None]:
        """One pose batch per frame batch, in order, by these networks; damaged frames are missing from it.
        Of a run `alone` frame by frame, so that KillingFrameError can tell which of them ends Triton."""


class PoseSources(Protocol):
    """Who computes the poses of a project; `orchestrator.clusters.Clusters` is the real one."""

    async def of(self, cluster_url: str | None) -> PoseSource:
        """What works with the Triton at an address; None: the worker's own."""


class InferStep:
    """Infers what is left of a run and commits its frame batches as they come, those that wait together."""

    def __init__(self, store: Store, objects: ObjectStore, poses: PoseSources, metrics: Metrics) -> None:
        self._store = store
        self._objects = objects
        self._poses = poses
        self._metrics = metrics
        self._described = lru_cache(maxsize=_VIDEOS_KEPT)(lambda key: decode_info(objects.read(key)))

    async def run(self, lease: Lease) -> None:
        """A run that was broken off goes on where it was. Raises CorruptVideoError if nothing decodes."""
        batches = await self._store.flow.open_batches(lease.id)
        if batches:
            source = await self._store.flow.video_source(lease.video)
            poses = await self._poses.of(lease.cluster_url)
            networks = await poses.networks()
            await self._agree(lease, source, networks)
            await self._infer(lease, replace(source, networks=networks), poses, batches)
        await self._store.flow.commit_run(lease)

    async def _agree(self, lease: Lease, source: VideoSource, networks: Networks) -> None:
        """The poses of a video come from one set of networks. Where others are served by now, it begins
        again: then this raises LeaseLostError, and no earlier holder of one of its runs can commit."""
        known = source.networks or await self._store.networks.claim(source.id, networks)
        if known == networks:
            return
        if source.network_changes >= _MOST_NETWORK_CHANGES:
            raise MixedNetworksError(
                f"expected {known}, got {networks}, after {source.network_changes} changes: "
                "all Triton servers must serve the same networks"
            )
        await self._store.networks.restart(lease, networks)
        raise LeaseLostError(f"video {source.id} begins again: expected networks {known}, got {networks}")

    async def _infer(
        self, lease: Lease, source: VideoSource, poses: PoseSource, batches: list[OpenBatch]
    ) -> None:
        path = await asyncio.to_thread(self._objects.local_path, source.path)
        info = await asyncio.to_thread(self._described, index_key(source.results_path))
        run = VideoRun(
            path=path,
            info=info,
            batches=[FrameSpan(batch.start_frame, batch.stop_frame) for batch in batches],
            detector_interval=source.parameters.detector_interval,
            alone=lease.is_suspect,
        )
        with named_as(source.name, path):
            async with (
                aclosing(poses.infer_run(run, source.networks or {})) as results,
                aclosing(gathered(_in_turn(batches, results), _BATCHES_PER_COMMIT)) as groups,
            ):
                async for done in groups:
                    await self._commit(lease, source, done)
                    self._tell(lease, done)

    async def _commit(self, lease: Lease, source: VideoSource, done: Sequence[_Done]) -> None:
        """First the file, then the rows that make it count."""
        key = pose_key(source.results_path, done[0].batch.start_frame, lease.epoch)
        poses = joined([one.poses for one in done])
        await self._write(key, lambda: encode_poses(poses, source.networks or {}))
        results = [
            BatchResult(
                batch_id=one.batch.id,
                frames_decoded=len(one.poses.decoded_frames),
                people=len(one.poses.frame_index),
            )
            for one in done
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

    def _tell(self, lease: Lease, done: Sequence[_Done]) -> None:
        """Count and log frame batches that are committed."""
        now_s = time.monotonic()
        for one in done:
            frames = one.batch.stop_frame - one.batch.start_frame
            decoded, people = len(one.poses.decoded_frames), len(one.poses.frame_index)
            self._metrics.count_batch(lease.tier, frames, decoded, people, now_s - one.began_s)
            fields = {
                "action": "frame_batch",
                "frame_batch_id": one.batch.id,
                "task_id": lease.id,
                "job_id": lease.job_id,
                "video_id": lease.video_id,
                "start_frame": one.batch.start_frame,
                "stop_frame": one.batch.stop_frame,
                "frames_decoded": decoded,
                "people": people,
                "duration_s": round(now_s - one.began_s, 4),
                "outcome": "committed",
            }
            _logger.info("frame batch committed", extra=fields)

    async def _end_soon(self, committing: asyncio.Future[bool], key: str) -> None:
        """The run is broken off while Postgres commits. If that refuses, the file goes; without an answer
        the file stays, because it may count."""
        await asyncio.wait({committing}, timeout=_COMMIT_GRACE_S)
        committing.cancel()
        ended = (await asyncio.gather(committing, return_exceptions=True))[0]
        if isinstance(ended, LeaseLostError):
            await asyncio.to_thread(self._objects.delete, key)

    async def _write(self, key: str, content: Callable[[], bytes]) -> None:
        """The thread that writes cannot be stopped: who breaks a run off waits and removes the file."""
        writing = asyncio.ensure_future(asyncio.to_thread(lambda: self._objects.put(key, content())))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.gather(writing, return_exceptions=True)
            await asyncio.to_thread(self._objects.delete, key)
            raise


async def _in_turn(batches: Sequence[OpenBatch], results: AsyncIterator[PoseBatch]) -> AsyncIterator[_Done]:
    """The poses of each frame batch as they come, in order."""
    waiting = iter(batches)
    began_s = time.monotonic()
    async for poses in results:
        yield _Done(batch=next(waiting), poses=poses, began_s=began_s)
        began_s = time.monotonic()

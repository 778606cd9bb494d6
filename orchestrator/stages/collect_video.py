"""A video's poses -> its result files."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from biomechanics.summary import FailedRange, FrameRange
from core.jobs import VideoStatus
from core.poses import PoseBatch
from core.skeletons import skeleton_of
from orchestrator.objects import ObjectStore
from orchestrator.outcome import declare_gaps
from orchestrator.pose_files import decode_info, decode_poses, index_key, poses_prefix
from orchestrator.stages.collection import Collection
from orchestrator.stages.submit import named_as
from orchestrator.store import Store
from orchestrator.store.flow import PoseFile, VideoEnd, VideoSource
from orchestrator.store.tasks import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Everything that a video's collection needs to know."""

    source: VideoSource
    files: Sequence[PoseFile]
    uncounted: frozenset[str]
    """Pose files that no batch names: their worker was killed before the row, or had lost its lease."""
    failed_ranges: Sequence[FailedRange]
    broken_off: threading.Event
    """Set when nobody waits for the result any more."""


class CollectVideoStep:
    """Goes through a video's frame batches in order: identities, tables, overlay, summary."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def run(self, lease: Lease) -> None:
        """Memory does not grow with the video, but for a few bytes per frame."""
        work = await self._read(lease)
        try:
            end = await asyncio.to_thread(self._collect, work)
        finally:
            work.broken_off.set()
        await self._store.flow.commit_video(lease, end)

    async def _read(self, lease: Lease) -> _Work:
        """Files are listed before rows are read: what is not counted then never will be."""
        flow = self._store.flow
        source = await flow.video_source(lease.video)
        keys = await asyncio.to_thread(self._objects.keys, poses_prefix(source.results_path))
        files = await flow.pose_files(lease.video)
        return _Work(
            source=source,
            files=files,
            uncounted=frozenset(keys).difference(file.results_path for file in files),
            failed_ranges=await flow.failed_ranges(lease.video),
            broken_off=threading.Event(),
        )

    def _collect(self, work: _Work) -> VideoEnd:
        """Runs in a thread."""
        for key in work.uncounted:
            self._objects.delete(key)
        info = decode_info(self._objects.read(index_key(work.source.results_path)))
        batches = self._poses(work)
        first = next(batches, None)
        if first is None:
            whole = [FrameRange(first=0, last=info.frame_count - 1)]
            failure = declare_gaps(whole, info.frame_count, work.failed_ranges)
            return VideoEnd(status=VideoStatus.FAILED, failure=failure)
        video = self._objects.local_path(work.source.path)
        with self._objects.scratch() as folder, named_as(work.source.name, video):
            collection = Collection(folder, work.source, info, skeleton_of(first.keypoints_px.shape[1]))
            summary = collection.write(chain([first], batches), video, work.failed_ranges)
            self._keep(folder, work.source)
        gaps = summary.missing_frames
        flaw = declare_gaps(gaps, info.frame_count, work.failed_ranges) if gaps else None
        return VideoEnd(status=VideoStatus.COMPLETED, failure=flaw, summary=summary)

    def _poses(self, work: _Work) -> Iterator[PoseBatch]:
        """The batches of which something could be decoded; ends early when the work is broken off."""
        for file in work.files:
            if work.broken_off.is_set():
                raise InterruptedError("the collection was broken off")
            batch = decode_poses(self._objects.read(file.results_path))
            if len(batch.decoded_frames):
                yield batch

    def _keep(self, folder: Path, source: VideoSource) -> None:
        for path in sorted(folder.iterdir()):
            self._objects.put_file(source.results_path + path.name, path)

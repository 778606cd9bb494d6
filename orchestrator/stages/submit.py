"""A video -> its description, frame batches and runs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MediaError
from core.video import VideoInfo
from ingest.probe import MediaLimits, probe_video
from ingest.runs import plan_runs
from orchestrator.objects import ObjectStore
from orchestrator.pose_files import encode_info, index_key
from orchestrator.store import Store
from orchestrator.store.flow import RunRows, VideoSource
from orchestrator.store.tasks import Lease


class SubmitStep:
    """Looks into a video and cuts it into runs."""

    def __init__(self, store: Store, objects: ObjectStore, limits: MediaLimits) -> None:
        self._store = store
        self._objects = objects
        self._limits = limits

    async def run(self, lease: Lease) -> None:
        """Raises MediaError leaves for a video that cannot be processed."""
        source = await self._store.flow.video_source(lease.video)
        info = await asyncio.to_thread(self._describe, source)
        parameters = source.parameters
        runs = plan_runs(info, parameters.frame_batch_frames, parameters.batches_per_run)
        await self._store.flow.commit_runs(
            lease, [RunRows(span=run.span, batches=run.batches) for run in runs]
        )

    def _describe(self, source: VideoSource) -> VideoInfo:
        path = self._objects.local_path(source.path)
        with named_as(source.name, path):
            info = probe_video(path, self._limits)
        self._objects.put(index_key(source.results_path), encode_info(info))
        return info


@contextmanager
def named_as(name: str, path: Path) -> Iterator[None]:
    """Errors tell of the video by the name that its user gave it, not by that of our file."""
    try:
        yield
    except MediaError as error:
        raise type(error)(str(error).replace(path.name, name)) from error

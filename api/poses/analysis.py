"""The poses of a video that is sent, analysed and forgotten."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from api.bounds import ProjectBound
from api.poses.parts import KnownPoses, PoseHead, PosePart
from api.uploads.body import unstalled
from biomechanics.summary import FrameRange
from core.errors import CorruptVideoError, ObjectStoreError, UploadTooLargeError
from core.poses import PoseBatch
from core.skeletons import skeleton_of
from ingest.probe import MediaLimits, probe_video
from ingest.runs import RunPlan, plan_runs
from orchestrator.frame_path import FramePath, FramePathSettings
from orchestrator.objects import ObjectStore
from orchestrator.parameters import JobParameters
from orchestrator.people import PeopleInOrder
from orchestrator.stages.submit import named_as
from orchestrator.store import Tenant
from orchestrator.triton import TritonClient

_BUSY_RETRY_S = 10.0
_FRAME_PATH = FramePathSettings(slots=3)
"""Of one analysis: its slots are memory beside that of the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisLimits:
    """What analyses may take up in one process."""

    max_bytes: int = 512 << 20
    """Of one video."""
    at_once: int = 4
    """More wait, as long as their deadline allows."""
    at_once_per_project: int = 2
    """More are refused."""
    idle_s: float = 60.0
    """Longest pause between two pieces of a video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What is wanted of a video."""

    name: str
    """That its user gave to the file."""
    parameters: JobParameters


class Analyses:
    """Takes videos through the workers' frame path, beside them: nothing is recorded, nothing is kept."""

    def __init__(
        self,
        triton_url: str,
        objects: ObjectStore,
        limits: AnalysisLimits,
        check_room: Callable[[int], Awaitable[None]],
    ) -> None:
        self._triton_url = triton_url
        self._objects = objects
        self._limits = limits
        self._check_room = check_room
        self._places = asyncio.Semaphore(limits.at_once)
        most = limits.at_once_per_project
        self._bound = ProjectBound(most=most, what="analyses", retry_after_s=_BUSY_RETRY_S)

    async def parts(
        self, tenant: Tenant, analysis: Analysis, body: AsyncIterator[bytes]
    ) -> AsyncGenerator[PosePart, None]:
        """The parts of the video whose file is `body`, once that is whole.

        Raises QuotaExceededError, UploadTooLargeError, UploadIncompleteError, StorageFullError, MediaError
        leaves, InferenceError leaves.
        """
        with self._bound.one(tenant):
            async with self._places:
                await self._check_room(0)
                with self._objects.scratch() as folder:
                    path = folder / uuid4().hex
                    await self._receive(path, body)
                    with named_as(analysis.name, path):
                        async with aclosing(self._analysed(path, analysis)) as parts:
                            async for part in parts:
                                yield part

    async def _receive(self, path: Path, body: AsyncIterator[bytes]) -> None:
        try:
            with path.open("wb") as file:
                async for chunk in unstalled(body, self._limits.idle_s):
                    file.write(chunk)
                    if file.tell() > self._limits.max_bytes:
                        raise UploadTooLargeError(
                            f"expected at most {self._limits.max_bytes} bytes, got more"
                        )
        except OSError as error:
            raise ObjectStoreError(f"object store: {error}") from error

    async def _analysed(self, path: Path, analysis: Analysis) -> AsyncGenerator[PosePart, None]:
        parameters = analysis.parameters
        info = await asyncio.to_thread(probe_video, path, MediaLimits())
        runs = plan_runs(info, parameters.frame_batch_frames, parameters.batches_per_run)
        people, has_poses = PeopleInOrder(parameters.person_score), False
        async with (
            await TritonClient.open(self._triton_url) as triton,
            FramePath(triton, _FRAME_PATH) as frame_path,
        ):
            yield PoseHead(name=analysis.name, info=info, skeleton=skeleton_of(triton.joint_count))
            networks = await frame_path.networks()
            for run in runs:
                async with aclosing(frame_path.infer_run(path, info, run.batches, networks)) as batches:
                    async for part in _run_parts(batches, run, people):
                        has_poses = has_poses or isinstance(part, KnownPoses)
                        yield part
        if not has_poses:
            raise CorruptVideoError(f"{path.name}: expected frames that can be decoded, got none")


async def _run_parts(
    batches: AsyncIterator[PoseBatch], run: RunPlan, people: PeopleInOrder
) -> AsyncIterator[PosePart]:
    """The parts of one run. As in a job, one of which nothing can be decoded is missing."""
    try:
        async for raw in batches:
            batch, person_ids = people.take(raw)
            yield KnownPoses(batch=batch, person_ids=person_ids)
    except CorruptVideoError:
        yield FrameRange(first=run.span.start, last=run.span.stop - 1)

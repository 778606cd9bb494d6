"""The poses of a video that is sent, analysed and forgotten."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from api.bounds import ProjectBound
from api.poses.parts import KnownPoses, PoseHead, PosePart
from api.poses.turns import Turns
from api.uploads.body import unstalled
from biomechanics.summary import FrameRange
from core.errors import CorruptVideoError, ObjectStoreError, UploadTooLargeError
from core.jobs import TaskKind
from core.poses import PoseBatch
from core.skeletons import skeleton_of
from ingest.probe import MediaLimits, probe_video
from ingest.runs import RunPlan, plan_runs
from orchestrator.frame_path import FramePath, FramePathSettings
from orchestrator.frame_requests import VideoRun
from orchestrator.lanes import Lane
from orchestrator.objects import ObjectStore
from orchestrator.people import PeopleInOrder
from orchestrator.stages.submit import named_as
from orchestrator.store import JobTerms, Tenant
from orchestrator.triton import TritonClient

OpenTriton = Callable[[str | None], AbstractAsyncContextManager[TritonClient]]
"""Takes the Triton of a project; None: the installation's own."""
_BUSY_RETRY_S = 10.0
_FRAME_PATH = FramePathSettings(slots=3)
"""Of one analysis: its slots are memory beside that of the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisLimits:
    """What analyses may take up in one process."""

    max_bytes: int = 512 << 20
    """Of one video."""
    at_once: int = 4
    """Whose file is there and that have memory for frames; more wait, as long as their deadline allows."""
    computing_at_once: int = 2
    """Of these: whose frames are decoded and inferred at a moment, with one thread to decode for each."""
    at_once_per_project: int = 2
    """More are refused."""
    idle_s: float = 60.0
    """Longest pause between two pieces of a video."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What is wanted of a video."""

    name: str
    """That its user gave to the file."""
    terms: JobTerms


class Analyses:
    """Takes videos through the workers' frame path, beside them: nothing is recorded, nothing is kept.

    Tiers and projects take turns, run by run, as they do at a worker.
    """

    def __init__(
        self,
        open_triton: OpenTriton,
        objects: ObjectStore,
        limits: AnalysisLimits,
        check_room: Callable[[int], Awaitable[None]],
    ) -> None:
        self._open_triton = open_triton
        self._objects = objects
        self._limits = limits
        self._check_room = check_room
        self._places = Turns(limits.at_once)
        self._turns = Turns(limits.computing_at_once)
        most = limits.at_once_per_project
        self._bound = ProjectBound(most=most, what="analyses", retry_after_s=_BUSY_RETRY_S)

    async def parts(
        self, tenant: Tenant, analysis: Analysis, body: AsyncIterator[bytes]
    ) -> AsyncGenerator[PosePart, None]:
        """The parts of the video whose file is `body`, once that is whole.

        Raises QuotaExceededError, UploadTooLargeError, UploadIncompleteError, StorageFullError, MediaError
        leaves, InferenceError leaves, ClusterNotAllowedError and ModelContractError for the project's Triton.
        """
        lane = Lane.of(TaskKind.INFER, analysis.terms.tier, tenant.project_id)
        with self._bound.one(tenant):
            await self._check_room(0)
            with self._objects.scratch() as folder:
                path = folder / uuid4().hex
                await self._receive(path, body)
                with named_as(analysis.name, path):
                    async with aclosing(self._analysed(path, analysis, lane)) as parts:
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

    async def _analysed(self, path: Path, analysis: Analysis, lane: Lane) -> AsyncGenerator[PosePart, None]:
        parameters = analysis.terms.parameters
        info = await asyncio.to_thread(probe_video, path, MediaLimits())
        runs = plan_runs(info, parameters.frame_batch_frames, parameters.batches_per_run)
        people, has_poses = PeopleInOrder(parameters), False
        async with (
            self._places.turn(lane, info.frame_count),
            self._open_triton(analysis.terms.cluster_url) as triton,
            FramePath(triton, _FRAME_PATH) as frame_path,
        ):
            yield PoseHead(name=analysis.name, info=info, skeleton=skeleton_of(triton.joint_count))
            networks = await frame_path.networks()
            for run in runs:
                frames = VideoRun(
                    path=path,
                    info=info,
                    batches=run.batches,
                    detector_interval=parameters.detector_interval,
                )
                computed = frame_path.infer_run(frames, networks)
                async with aclosing(self._in_turn(lane, run, computed)) as batches:
                    async for part in _run_parts(batches, run, people):
                        has_poses = has_poses or isinstance(part, KnownPoses)
                        yield part
        if not has_poses:
            raise CorruptVideoError(f"{path.name}: expected frames that can be decoded, got none")

    async def _in_turn(
        self, lane: Lane, run: RunPlan, computed: AsyncGenerator[PoseBatch, None]
    ) -> AsyncGenerator[PoseBatch, None]:
        """What is computed, once it is the lane's turn.

        Whoever takes it slowly holds up nobody: a turn ends with the run's last frame, and poses are small.
        """
        batches: asyncio.Queue[PoseBatch | None] = asyncio.Queue()

        async def compute() -> None:
            async with self._turns.turn(lane, run.span.stop - run.span.start), aclosing(computed):
                async for batch in computed:
                    batches.put_nowait(batch)

        computing = asyncio.create_task(compute(), name=f"analyse from frame {run.span.start}")
        computing.add_done_callback(lambda _: batches.put_nowait(None))
        try:
            while (batch := await batches.get()) is not None:
                yield batch
            await computing
        finally:
            computing.cancel()
            await asyncio.gather(computing, return_exceptions=True)


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

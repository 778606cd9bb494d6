"""What the steps read and commit. Each commit ends its task and is refused when the lease is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from biomechanics.summary import FailedRange, VideoSummary
from core.errors import KillingFrameError, KillingVideoError, NotFoundError
from core.jobs import JobStatus, TaskKind, TaskStatus, VideoStatus
from core.networks import Networks
from core.video import FrameSpan
from orchestrator.bisection import ATTEMPTS_OF_A_PIECE, MOST_KILLING_RUNS_PER_VIDEO, cut_frame
from orchestrator.parameters import JobParameters
from orchestrator.store.database import Database, Session
from orchestrator.store.tasks import Failure, Lease, lost
from orchestrator.store.tenants import Tenant

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSource:
    """What a job's first step works on."""

    id: int
    input_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSource:
    """What a video's steps work on."""

    id: int
    job_id: int
    name: str
    path: str
    """Object key of the file."""
    results_path: str
    frames_total: int
    parameters: JobParameters
    networks: Networks | None = None
    """What its poses come from; None before its first run begins."""
    network_changes: int = 0
    """How often it began again because other networks were served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageEntry:
    """A video of a package, or why it was refused."""

    name: str
    key: str | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRows:
    """A run and its frame batches."""

    span: FrameSpan
    batches: tuple[FrameSpan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBatch:
    """A frame batch that waits for its poses."""

    id: int
    start_frame: int
    stop_frame: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What was found in a frame batch."""

    batch_id: int
    frames_decoded: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseFile:
    """The poses of frame batches that were committed together, which follow each other."""

    start_frame: int
    stop_frame: int
    results_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEnd:
    """How a video ended."""

    status: VideoStatus
    failure: Failure | None = None
    """On a completed video: what is missing."""
    summary: VideoSummary | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """How a job ended."""

    status: JobStatus
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Id:
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Committed:
    is_held: bool
    is_new: bool


class FlowStore:
    """Reads and commits of the five kinds of steps."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def owner(self, job_id: int) -> Tenant:
        """Whose job it is. Raises NotFoundError."""
        return _found(await self._database.row(Tenant, "owner_of_job", job_id), f"job {job_id}")

    async def job_source(self, job_id: int) -> JobSource:
        """The package of a job, which counts as running from here. Raises NotFoundError."""
        return _found(await self._database.row(JobSource, "job_source", job_id), f"job {job_id}")

    async def video_source(self, video_id: int) -> VideoSource:
        """Raises NotFoundError."""
        return _found(await self._database.row(VideoSource, "video_source", video_id), f"video {video_id}")

    async def open_batches(self, run_id: int) -> list[OpenBatch]:
        """The frame batches of a run that are not committed, in order."""
        return await self._database.rows(OpenBatch, "open_batches", run_id)

    async def pose_files(self, video_id: int) -> list[PoseFile]:
        """The files of a video's committed frame batches, in order."""
        return await self._database.rows(PoseFile, "pose_files", video_id)

    async def failed_ranges(self, video_id: int) -> list[FailedRange]:
        """The runs of a video that ended with an error, in order."""
        return await self._database.rows(FailedRange, "failed_ranges", video_id)

    async def commit_package(self, lease: Lease, entries: Sequence[PackageEntry]) -> None:
        """The package is unpacked: video rows, and a submit task for each that was not refused."""
        failures = [entry.failure for entry in entries]
        async with self._database.transaction() as session:
            await _end_task(session, lease, TaskStatus.DONE, None)
            await session.execute(
                "insert_videos",
                lease.job_id,
                [entry.name for entry in entries],
                [entry.key for entry in entries],
                [failure and failure.code for failure in failures],
                [failure and failure.message for failure in failures],
            )
            await session.execute("collect_finished_jobs", lease.job_id)

    async def commit_runs(self, lease: Lease, runs: Sequence[RunRows]) -> None:
        """The video is cut: frame batches, and an infer task for each run."""
        batches = [(batch, run.span.start) for run in runs for batch in run.batches]
        async with self._database.transaction() as session:
            await _end_task(session, lease, TaskStatus.DONE, None)
            await session.execute(
                "insert_runs",
                lease.video,
                [run.span.start for run in runs],
                [run.span.stop - 1 for run in runs],
                [batch.start for batch, _ in batches],
                [batch.stop for batch, _ in batches],
                [first for _, first in batches],
                sum(run.span.frame_count for run in runs),
            )

    async def commit_batches(self, lease: Lease, key: str, results: Sequence[BatchResult]) -> bool:
        """Frame batches of a run are done, their poses in object `key`; false if one was before.

        One statement, so one round trip, and all of them count or none. Extends the lease; the video's last
        batch makes its collection task. Raises LeaseLostError.
        """
        committed = await self._database.row(
            _Committed,
            "commit_batches",
            lease.id,
            lease.epoch,
            lease.lease_s,
            key,
            [result.batch_id for result in results],
            [result.frames_decoded for result in results],
            [result.people for result in results],
        )
        if committed is None or not committed.is_held:
            raise lost(lease)
        return committed.is_new

    async def commit_run(self, lease: Lease) -> None:
        """Every frame batch of the run is committed. Raises LeaseLostError if one is not."""
        if not await self._database.execute("end_run", lease.id, lease.epoch):
            raise lost(lease)

    async def commit_video(self, lease: Lease, end: VideoEnd) -> None:
        """The video's results are written."""
        async with self._database.transaction() as session:
            await _end_task(session, lease, TaskStatus.DONE, None)
            await _end_video(session, lease, end)

    async def commit_job(self, lease: Lease, end: JobEnd) -> None:
        """The job's summary is written."""
        async with self._database.transaction() as session:
            await _end_task(session, lease, TaskStatus.DONE, None)
            await _end_job(session, lease, end)

    async def fail(self, lease: Lease, failure: Failure, status: TaskStatus) -> None:
        """The task failed for good; what hangs on it ends accordingly.

        A run that may have failed for a few of its frames is cut in two, which are tried again. Otherwise its
        open batches count as missing frames of its video, and the video goes on. Where too many of
        its ranges have ended Triton, the rest of it is set aside.
        """
        async with self._database.transaction() as session:
            if lease.kind is TaskKind.INFER:
                await _fail_run(session, lease, failure, status)
                return
            await _end_task(session, lease, status, failure)
            if lease.video_id is not None:
                await _end_video(session, lease, VideoEnd(status=VideoStatus.FAILED, failure=failure))
            else:
                await _end_job(session, lease, JobEnd(status=JobStatus.FAILED, failure=failure))


async def _fail_run(session: Session, lease: Lease, failure: Failure, status: TaskStatus) -> None:
    is_hopeless = await _kills_with_any_frame(session, lease, failure)
    if not is_hopeless and await _cut(session, lease, failure):
        return
    await _end_task(session, lease, status, failure)
    if is_hopeless:
        await _set_aside_rest(session, lease)
    await session.execute("fail_open_batches", lease.video)
    await session.execute("collect_finished_videos", lease.video)


async def _cut(session: Session, lease: Lease, failure: Failure) -> bool:
    """Whether the run was cut in two."""
    open_batches = await session.rows(OpenBatch, "open_batches", lease.id)
    batches = [FrameSpan(batch.start_frame, batch.stop_frame) for batch in open_batches]
    cuts = await session.row(_Count, "count_cuts", lease.job_id, lease.video)
    middle = cut_frame(failure.code, batches, cuts.count if cuts else 0, failure.frame_index)
    if middle is None:
        return False
    first, last = batches[0].start, batches[-1].stop - 1
    arguments = lease.id, lease.epoch, first, middle, last, ATTEMPTS_OF_A_PIECE
    if not await session.rows(_Id, "cut_run", *arguments):
        raise lost(lease)
    return True


async def _kills_with_any_frame(session: Session, lease: Lease, failure: Failure) -> bool:
    """Whether so many runs of the video have ended Triton that the rest of it is not tried any more."""
    if failure.code != KillingFrameError.code:
        return False
    codes = [KillingFrameError.code, KillingVideoError.code]
    others = await session.row(_Count, "count_other_runs", lease.job_id, lease.video, lease.id, codes)
    return others is not None and others.count >= MOST_KILLING_RUNS_PER_VIDEO


async def _set_aside_rest(session: Session, lease: Lease) -> None:
    error = KillingVideoError()
    await session.execute("set_aside_runs", lease.job_id, lease.video, error.code, str(error))


async def _end_task(session: Session, lease: Lease, status: TaskStatus, failure: Failure | None) -> None:
    """The fence: whoever lost the lease stops here, and the transaction with it."""
    code, message = _fields(failure)
    if not await session.execute("end_task", lease.id, lease.epoch, status, code, message):
        raise lost(lease)


async def _end_video(session: Session, lease: Lease, end: VideoEnd) -> None:
    await session.execute("end_video", lease.video, end.status, *_fields(end.failure), end.summary)
    await session.execute("collect_finished_jobs", lease.job_id)


async def _end_job(session: Session, lease: Lease, end: JobEnd) -> None:
    await session.execute("end_job", lease.job_id, end.status, *_fields(end.failure))


def _fields(failure: Failure | None) -> tuple[str | None, str | None]:
    return (failure.code, failure.message) if failure else (None, None)


def _found(row: T | None, what: str) -> T:
    if row is None:
        raise NotFoundError(f"there is no {what}")
    return row

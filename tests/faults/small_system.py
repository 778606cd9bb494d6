"""An orchestrator and two workers as processes, and what a state machine does to them."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio.from_thread
import asyncpg
import nats

from core.errors import ConflictError
from core.jobs import TaskKind, Tier
from core.video import FrameSpan
from orchestrator import messages
from orchestrator.lanes import Lane
from orchestrator.messages import TaskMessage
from orchestrator.objects import LocalObjectStore
from orchestrator.settings import Settings
from orchestrator.store import JobRequest
from tests.services.nats import stored_messages
from tests.services.orchestrator import DefaultStore
from tests.services.processes import ROOT, environment_of
from tests.services.waiting import until

PACKAGES = ("good", "mixed")
ROLES = ("orchestrator", "worker", "second_worker")
PARAMETERS = {"frame_batch_frames": 4, "batches_per_run": 2, "overlay": "off"}
ENDED = {"completed", "completed_with_errors", "failed", "cancelled"}
SETTLE_TIMEOUT_S = 45.0
REDRIVES = 5
"""More than enough: nothing hurts any more while the system settles."""


@dataclass
class SmallSystem:
    """The processes under way."""

    settings: Settings
    store: DefaultStore
    portal: anyio.from_thread.BlockingPortal
    folder: Path
    packages: Mapping[str, Path]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    package_of: dict[int, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    """How often each thing was done to it, with effect."""
    tables: dict[str, bytes] = field(default_factory=dict)
    """By video name: what the first completed job had in `keypoints.csv`."""

    @property
    def objects(self) -> LocalObjectStore:
        """The object store."""
        return LocalObjectStore(self.folder / "objects")

    def start(self, role: str) -> None:
        """Start one of the processes."""
        environment = {**os.environ, **environment_of(self.settings), "MAREY_HOME": str(self.folder)}
        environment["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "sdk")))
        kind = role.removeprefix("second_")
        with (self.folder / f"{role}.log").open("ab") as log:
            self.processes[role] = subprocess.Popen(
                (sys.executable, "-m", "tests.faults.role", kind),
                env=environment,
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self, role: str) -> None:
        """kill -9, then start again."""
        self.done["kill"] += 1
        self.processes[role].kill()
        self.processes[role].wait(10)
        self.start(role)

    def submit(self, package: str) -> int:
        """A job on one of the packages."""
        key = f"uploads/{package}-{len(self.package_of)}.zip"
        self.objects.put(key, self.packages[package].read_bytes())
        request = JobRequest(pipeline_name="pose_2d", input_key=key, parameters=PARAMETERS)
        job_id = self.portal.call(self.store.create_job, request)
        self.package_of[job_id] = package
        return job_id

    def cancel(self, job_id: int) -> bool:
        """False if the job had ended."""
        try:
            self.portal.call(self.store.cancel, job_id)
        except ConflictError:
            return False
        self.done["cancel"] += 1
        return True

    def redrive(self, job_id: int) -> bool:
        """False if there is nothing to repeat."""
        try:
            self.portal.call(self.store.redrive, job_id)
        except ConflictError:
            return False
        self.done["redrive"] += 1
        return True

    def repeat_messages(self, offset: int) -> None:
        """Publish a message for every task that is not over; its epoch is `offset` from the true one."""
        rows = self.sql("SELECT id, kind, tier, project_id, epoch FROM task WHERE status <> 'done'")

        async def publish() -> None:
            client = await nats.connect(self.settings.nats_url)
            try:
                for row in rows:
                    lane = Lane.of(TaskKind(row["kind"]), Tier(row["tier"]), row["project_id"])
                    message = TaskMessage(task_id=row["id"], epoch=row["epoch"] + offset)
                    await client.publish(lane.subject, messages.encode(message))
                await client.flush()
            finally:
                await client.close()

        asyncio.run(publish())
        self.done["duplicate"] += len(rows)

    def expire_leases(self) -> None:
        """Every lease ends now."""
        over = "UPDATE task SET lease_until = now() - interval '1 s' WHERE status = 'leased' RETURNING id"
        self.done["expire"] += len(self.sql(over))

    def pause(self, pause_s: float) -> None:
        """Let the processes work."""
        time.sleep(pause_s)

    def settle(self, job_ids: list[int]) -> None:
        """Wait until all jobs have ended; what was set aside after all its attempts is repeated."""
        for _ in range(REDRIVES):
            until(lambda: all(self._status(job_id) in ENDED for job_id in job_ids), SETTLE_TIMEOUT_S)
            if not [job_id for job_id in job_ids if self._has_dead(job_id) and self.redrive(job_id)]:
                return
        raise AssertionError(f"jobs {job_ids} do not end")

    def check(self, job_id: int, *, is_cancelled: bool) -> None:
        """What must hold of a job that has ended."""
        expected = "cancelled" if is_cancelled else _ends_as(self.package_of[job_id])
        assert self._status(job_id) == expected
        over = ["done", "cancelled"] if is_cancelled else ["done"]
        open_tasks = "SELECT FROM task WHERE job_id = $1 AND status <> ALL($2)"
        until(lambda: not self.sql(open_tasks, job_id, over), SETTLE_TIMEOUT_S)
        if is_cancelled:
            return
        names = set()
        for video in self.sql("SELECT * FROM video WHERE job_id = $1 AND status = 'completed'", job_id):
            names.add(video["video_name"])
            self._check_video(video)
        assert names == {"a.mp4", "b.mp4"}

    def _check_video(self, video: asyncpg.Record) -> None:
        """Every frame once; counters = rows = objects; the same poses as always."""
        rows = self.sql("SELECT * FROM frame_batch WHERE video_id = $1 ORDER BY start_frame", video["id"])
        spans = [FrameSpan(row["start_frame"], row["stop_frame"]) for row in rows]
        frames = [frame for span in spans for frame in range(span.start, span.stop)]
        assert frames == list(range(video["frames_total"]))
        assert {row["status"] for row in rows} == {"completed"}
        assert (video["frames_done"], video["frames_missing"]) == (video["frames_total"], 0)
        assert video["batches_done"] == video["batches_total"] == len(rows)
        path = video["video_results_path"]
        files = sorted({row["results_path"] for row in rows})
        until(lambda: sorted(self.objects.keys(f"{path}poses/")) == files, SETTLE_TIMEOUT_S)
        table = self.objects.read(f"{path}keypoints.csv")
        assert self.tables.setdefault(video["video_name"], table) == table

    def check_leftovers(self) -> None:
        """No temporary object is left, and no message."""
        until(lambda: not list((self.folder / "objects" / ".tmp").iterdir()), SETTLE_TIMEOUT_S)
        until(lambda: asyncio.run(stored_messages(self.settings.nats_url)) == 0, SETTLE_TIMEOUT_S)

    def sql(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """The rows of one SQL statement."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.settings.database_url, timeout=10)
            try:
                return list(await connection.fetch(statement, *arguments))
            finally:
                await connection.close()

        return asyncio.run(fetch())

    def _status(self, job_id: int) -> str:
        return str(self.sql("SELECT status FROM job WHERE id = $1", job_id)[0]["status"])

    def _has_dead(self, job_id: int) -> bool:
        return bool(self.sql("SELECT FROM task WHERE job_id = $1 AND status = 'dead'", job_id))


def _ends_as(package: str) -> str:
    return "completed_with_errors" if package == "mixed" else "completed"


@contextmanager
def running_system(
    folder: Path, database_url: str, nats_url: str, triton_url: str, packages: Mapping[str, Path]
) -> Iterator[SmallSystem]:
    """The processes on services that run already; they are killed at the end."""
    settings = Settings(
        database_url=database_url,
        nats_url=nats_url,
        triton_url=triton_url,
        store_url=(folder / "objects").as_uri(),
    )
    LocalObjectStore(folder / "objects")
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(DefaultStore.open(database_url, 2)) as store,
    ):
        system = SmallSystem(settings, store, portal, folder, packages)
        try:
            for role in ROLES:
                system.start(role)
            yield system
        finally:
            for process in system.processes.values():
                process.kill()
                process.wait(10)

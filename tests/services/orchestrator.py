"""Fixtures: an orchestrator on real Postgres and NATS, with a pose source in place of Triton."""

import asyncio
import time
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from orchestrator.bus import Bus
from orchestrator.objects import LocalObjectStore, ObjectStore
from orchestrator.service import serve_orchestrator, work_on_runs
from orchestrator.settings import LeaseSettings, Settings
from orchestrator.stages.infer import PoseSource
from orchestrator.store import JobRequest, JobView, Store, Tenant, VideoView

QUICK = LeaseSettings(
    lease_s=3.0, sent_timeout_s=2.0, reconcile_interval_s=0.5, poll_interval_s=0.1, drain_timeout_s=5.0
)


DEFAULT_TENANT = Tenant(project_id=1, user_id=1, is_admin=True)
"""The user and project that every installation starts with."""


class DefaultStore(Store):
    """A store with the jobs of the default tenant at hand."""

    async def create_job(self, request: JobRequest) -> int:
        """See JobStore, here and below."""
        return await self.jobs.create(DEFAULT_TENANT, request)

    async def job(self, job_id: int) -> JobView:
        return await self.jobs.job(DEFAULT_TENANT, job_id)

    async def videos(self, job_id: int) -> list[VideoView]:
        return (await self.jobs.snapshot(DEFAULT_TENANT, job_id)).videos

    async def cancel(self, job_id: int) -> JobView:
        return await self.jobs.cancel(DEFAULT_TENANT, job_id)

    async def redrive(self, job_id: int) -> JobView:
        return await self.jobs.redrive(DEFAULT_TENANT, job_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What a test works with."""

    settings: Settings
    store: DefaultStore
    bus: Bus
    objects: ObjectStore

    async def submit(self, package: Path, parameters: Mapping[str, object] | None = None) -> int:
        """Upload a package and make a job of it."""
        key = f"uploads/{uuid4().hex}.zip"
        self.objects.put(key, await asyncio.to_thread(package.read_bytes))
        request = JobRequest(pipeline_name="pose_2d", input_key=key, parameters=parameters or {})
        return await self.store.create_job(request)

    async def ended(self, job_id: int, timeout_s: float = 40.0) -> JobView:
        """The job once nothing will change any more."""
        deadline = time.monotonic() + timeout_s
        while not (job := await self.store.job(job_id)).status.is_final:
            assert time.monotonic() < deadline, f"{job}, {await self.store.videos(job_id)}"
            await asyncio.sleep(0.05)
        return job

    @asynccontextmanager
    async def working(self, poses: PoseSource) -> AsyncIterator[None]:
        """An orchestrator and a worker, drained at the end."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(serve_orchestrator(self.settings, stop))
            group.create_task(work_on_runs(self.settings, poses, stop))
            try:
                yield
            finally:
                stop.set()


@pytest.fixture
async def system(database_url: str, nats_address: str, tmp_path: Path) -> AsyncIterator[System]:
    """Everything but the processes, which `working` starts."""
    settings = Settings(
        database_url=database_url,
        nats_url=nats_address,
        triton_url="127.0.0.1:1",
        store_url=(tmp_path / "objects").as_uri(),
        lease=QUICK,
    )
    objects = LocalObjectStore(tmp_path / "objects")
    async with DefaultStore.open(database_url, 2) as store, Bus.open(nats_address) as bus:
        yield System(settings=settings, store=store, bus=bus, objects=objects)


def zip_of(path: Path, files: Mapping[str, Path]) -> Path:
    """A package with `files` under the given names."""
    with zipfile.ZipFile(path, "w") as package:
        for name, file in files.items():
            package.write(file, name)
    return path

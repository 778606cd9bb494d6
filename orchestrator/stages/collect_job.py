"""A job's videos -> its summary."""

import asyncio

import msgspec

from orchestrator.objects import ObjectStore
from orchestrator.outcome import job_end
from orchestrator.store import JobSnapshot, Store, VideoView
from orchestrator.store.flow import JobEnd
from orchestrator.store.tasks import Lease


class CollectJobStep:
    """Writes `jobs/<job>/summary.json` and ends the job."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects

    async def run(self, lease: Lease) -> None:
        """Every video of the job is over by now."""
        owner = await self._store.flow.owner(lease.job_id)
        job = await self._store.jobs.snapshot(owner, lease.job_id)
        end = job_end(job.videos)
        data = msgspec.json.format(msgspec.json.encode(_summary(job, end)))
        await asyncio.to_thread(self._objects.put, f"jobs/{job.id}/summary.json", data)
        await self._store.flow.commit_job(lease, end)


def _summary(job: JobSnapshot, end: JobEnd) -> dict[str, object]:
    return {
        "job_id": job.id,
        "pipeline": job.pipeline_name,
        "parameters": job.parameters,
        "status": end.status,
        "error_code": end.failure and end.failure.code,
        "error_message": end.failure and end.failure.message,
        "videos": [_video_summary(video) for video in job.videos],
    }


def _video_summary(video: VideoView) -> dict[str, object]:
    return {
        "name": video.name,
        "status": video.status,
        "error_code": video.error_code,
        "error_message": video.error_message,
        "frames_total": video.frames_total,
        "frames_missing": video.frames_missing,
        "failed_ranges": video.failed_ranges,
        "results_path": video.results_path,
        "summary": video.summary,
    }

"""Everything that can be done with a server: the objects' operations, and the way through all of them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NoReturn

from marey.errors import JobFailedError
from marey.objects.api_keys import ApiKeys
from marey.objects.frame_batches import FrameBatches
from marey.objects.jobs import Job, Jobs, Parameters, Snapshot
from marey.objects.parameter_sets import PipelineParameterSets
from marey.objects.parameters import PipelineParametersObjects
from marey.objects.pipelines import Pipelines
from marey.objects.projects import Projects
from marey.objects.results import Results
from marey.objects.uploads import OnUpload, Paths, Uploads
from marey.objects.user_groups import UserGroups
from marey.objects.users import Users
from marey.objects.videos import Videos
from marey.poses import Poses
from marey.requests import Request

_TABLE = "keypoints.parquet"


class Operations(
    Users,
    UserGroups,
    Projects,
    Pipelines,
    PipelineParameterSets,
    PipelineParametersObjects,
    Jobs,
    Videos,
    FrameBatches,
    ApiKeys,
    Uploads,
    Results,
):
    """All operations of a server, as coroutines. They raise marey.errors.MareyError and nothing else."""

    @property
    def endpoint_url(self) -> str:
        """The server."""
        return self._connection.endpoint_url

    async def close(self) -> None:
        """Close the connections."""
        await self._connection.transport.close()

    async def submit(
        self,
        paths: Paths,
        pipeline: str = "pose_2d",
        parameters: Parameters | None = None,
        *,
        pipeline_parameter_set_id: int | None = None,
        on_upload: OnUpload | None = None,
    ) -> Job:
        """Upload videos (or one zip of videos) and start a job on them."""
        input_key = await self.upload(paths, on_upload=on_upload)
        return await self.create_job(
            input_key, pipeline, parameters, pipeline_parameter_set_id=pipeline_parameter_set_id
        )

    async def analyze(
        self,
        paths: Paths,
        pipeline: str = "pose_2d",
        parameters: Parameters | None = None,
        *,
        timeout_s: float | None = None,
        show_progress: bool | None = None,
    ) -> Poses:
        """Upload videos, wait for the job and fetch its poses, ready for a DataFrame.

        Progress is drawn on stderr, by default if that is a terminal. A video that failed is in
        `Poses.videos` with its error. Raises JobFailedError if there are no poses at all, JobTimeoutError.
        """
        # Drawing takes a while to import, and only this operation draws.
        from marey.progress import shown_progress

        with shown_progress(show_progress) as (on_upload, on_progress):
            job = await self.submit(paths, pipeline, parameters, on_upload=on_upload)
            snapshot = await self.wait(job.id, timeout_s, on_progress)
        tables = {}
        for file in await self.results(job.id):
            if file.video_id is not None and PurePosixPath(file.path).name == _TABLE:
                tables[file.video_id] = await self._connection.fetch(Request("GET", file.url))
        return Poses(snapshot, tables) if tables else _fail(snapshot)


def _fail(snapshot: Snapshot) -> NoReturn:
    job = snapshot.job
    reasons = [f"{job.error_message} [{job.error_code}]"] if job.error_code else []
    reasons += [
        f"{video.name}: {video.error_message} [{video.error_code}]"
        for video in snapshot.videos
        if video.error_code
    ]
    sentence = f"expected poses of job {job.id}, it is {job.status}"
    raise JobFailedError("; ".join([sentence, *reasons]), snapshot.job.id)

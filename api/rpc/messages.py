"""Bodies of REST <-> messages of `marey.v1`: the same words and numbers."""

from datetime import datetime

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp
from marey.v1 import jobs_pb2

from api.jobs.schemas import FailedRangeOut, JobOut, VideoOut
from api.results.service import ResultFile


def job_message(job: JobOut) -> jobs_pb2.Job:
    """The job as its user sees it."""
    return jobs_pb2.Job(
        id=job.id,
        user_id=job.user_id,
        project_id=job.project_id,
        status=f"JOB_STATUS_{job.status.upper()}",
        pipeline=job.pipeline,
        tier=f"TIER_{job.tier.upper()}",
        parameters={name: value for name, value in job.job_parameters.items() if name != "input"},
        input_key=str(job.job_parameters["input"]),
        pipeline_parameter_set_id=job.pipeline_parameter_set_id,
        videos_total=job.videos_total,
        videos_done=job.videos_done,
        created_at=_timestamp(job.created_at),
        started_at=_timestamp(job.started_at),
        finished_at=_timestamp(job.finished_at),
        failure=_failure(job.error_code, job.error_message),
    )


def video_message(video: VideoOut) -> jobs_pb2.Video:
    """The video as its user sees it."""
    return jobs_pb2.Video(
        id=video.id,
        job_id=video.job_id,
        name=video.name,
        status=f"VIDEO_STATUS_{video.status.upper()}",
        progress=video.progress,
        frames_total=video.frames_total,
        frames_done=video.frames_done,
        frames_missing=video.frames_missing,
        failure=_failure(video.error_code, video.error_message),
        failed_ranges=[_failed_range(failed) for failed in video.failed_ranges],
    )


def file_message(result: ResultFile, url: str) -> jobs_pb2.ResultFile:
    """A result with its link."""
    video = result.place.video
    return jobs_pb2.ResultFile(
        path=result.place.path,
        size_bytes=result.size_bytes,
        url=url,
        video_id=video.id if video else 0,
        video_name=video.name if video else "",
    )


def parameters_of(struct: Struct) -> dict[str, object]:
    """The parameters of a request. A Struct has no whole numbers: those that are whole become `int`."""
    return {name: _whole(value) for name, value in MessageToDict(struct).items()}


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _failed_range(failed: FailedRangeOut) -> jobs_pb2.FailedRange:
    return jobs_pb2.FailedRange(
        first_frame=failed.first_frame,
        last_frame=failed.last_frame,
        failure=_failure(failed.error_code, failed.error_message),
        attempts=failed.attempts,
    )


def _failure(code: str | None, message: str | None) -> jobs_pb2.Failure | None:
    return jobs_pb2.Failure(code=code, message=message or "") if code else None


def _timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp

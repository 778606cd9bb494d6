"""Jobs and videos as tables for people."""

from __future__ import annotations

from collections.abc import Sequence

from marey.cli.output import print_table
from marey.objects.jobs import Job, JobVideo, Snapshot
from marey.progress import trouble_of


def print_jobs(jobs: Sequence[Job]) -> None:
    """One row per job."""
    rows = [
        (job.id, job.status, job.pipeline, job.tier, f"{job.videos_done}/{job.videos_total}", job.created_at)
        for job in jobs
    ]
    print_table(("job", "status", "pipeline", "tier", "videos", "created"), rows)


def print_videos(videos: Sequence[JobVideo]) -> None:
    """One row per video."""
    rows = [
        (video.name, video.status, f"{video.frames_done}/{video.frames_total}", trouble_of(video))
        for video in videos
    ]
    print_table(("video", "status", "frames", "note"), rows)


def headline(snapshot: Snapshot) -> str:
    """The job in one line."""
    job = snapshot.job
    line = f"job {job.id}: {job.status}, {job.videos_done}/{job.videos_total} videos"
    return f"{line}: {job.error_message} [{job.error_code}]" if job.error_code else line

"""Jobs and videos as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from marey.models import Job, Snapshot, Video


def jobs_table(jobs: Sequence[Job]) -> Table:
    """One row per job."""
    table = _table("job", "status", "pipeline", "tier", "videos", "created")
    for job in jobs:
        videos = f"{job.videos_done}/{job.videos_total}"
        _add(table, job.id, job.status, job.pipeline, job.tier, videos, _local(job.created_at))
    return table


def videos_table(videos: Sequence[Video]) -> Table:
    """One row per video."""
    table = _table("video", "status", "frames", "note")
    for video in videos:
        frames = f"{video.frames_done}/{video.frames_total}"
        _add(table, video.name, video.status, frames, video.error_message or "")
    return table


def headline(snapshot: Snapshot) -> str:
    """The job in one line."""
    job = snapshot.job
    line = f"job {job.id}: {job.status}, {job.videos_done}/{job.videos_total} videos"
    return f"{line}: {job.error_message} [{job.error_code}]" if job.error_code else line


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    return table


def _add(table: Table, *cells: object) -> None:
    table.add_row(*(Text(str(cell)) for cell in cells))


def _local(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"

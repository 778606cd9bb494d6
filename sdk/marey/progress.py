"""Progress of an upload and of a job: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from marey.objects.jobs import JobVideo, OnProgress, Snapshot
from marey.objects.uploads import OnUpload

_LINE_EVERY_PERCENT = 25


@contextmanager
def shown_progress(show: bool | None) -> Iterator[tuple[OnUpload | None, OnProgress | None]]:
    """Callbacks for an upload and the job that follows, on stderr; None shows them if that is a terminal."""
    console = Console(stderr=True)
    if not (console.is_terminal if show is None else show):
        yield None, None
        return
    with ExitStack() as shown:
        on_upload = shown.enter_context(upload_progress(console))
        draw: OnProgress | None = None

        def on_progress(snapshot: Snapshot) -> None:
            nonlocal draw
            if draw is None:
                # One display at a time: the upload's has ended by now.
                shown.close()
                draw = shown.enter_context(job_progress(console))
            draw(snapshot)

        yield on_upload, on_progress


@contextmanager
def upload_progress(console: Console) -> Iterator[OnUpload]:
    """A callback for `Client.submit`; drawn while the block runs."""
    if not console.is_terminal:
        yield _UploadLines(console)
        return
    columns = TextColumn("uploading"), BarColumn(), DownloadColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("upload", total=None)
        yield lambda sent, total: progress.update(task, completed=sent, total=total)


@contextmanager
def job_progress(console: Console) -> Iterator[OnProgress]:
    """A callback for `Client.wait`, one bar or line per video; drawn while the block runs."""
    if not console.is_terminal:
        yield _JobLines(console)
        return
    name = TextColumn("{task.description}", markup=False)
    state = TextColumn("{task.fields[state]}", markup=False)
    with Progress(name, BarColumn(), TaskProgressColumn(), state, console=console) as progress:
        yield _JobBars(progress)


def trouble_of(video: JobVideo) -> str | None:
    """What went wrong with a video, and its code: `expected a video stream, got audio [no_video_stream]`."""
    return f"{video.error_message} [{video.error_code}]" if video.error_message else None


def describe(video: JobVideo) -> str:
    """The state of a video in a few words: `inferring 120/300 frames`."""
    if trouble := trouble_of(video):
        return f"{video.status}: {trouble}"
    if not video.frames_total:
        return video.status
    return f"{video.status} {video.frames_done}/{video.frames_total} frames"


class _UploadLines:
    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, sent_bytes: int, total_bytes: int) -> None:
        if sent_bytes == total_bytes:
            self._console.print(f"uploaded {total_bytes / 1e6:.1f} MB")


class _JobBars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[int, TaskID] = {}

    def __call__(self, snapshot: Snapshot) -> None:
        for video in snapshot.videos:
            if video.id not in self._tasks:
                self._tasks[video.id] = self._progress.add_task(video.name, total=1.0, state="")
            self._progress.update(
                self._tasks[video.id], completed=video.progress, state=describe(video), refresh=True
            )


class _JobLines:
    """A line whenever a job or video changes its status, and per quarter of a video."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[int, tuple[str, int]] = {}
        self._job_status = ""

    def __call__(self, snapshot: Snapshot) -> None:
        for video in snapshot.videos:
            quarter = int(video.progress * 100) // _LINE_EVERY_PERCENT
            if self._said.get(video.id) != (video.status, quarter):
                self._said[video.id] = (video.status, quarter)
                self._say(f"{video.name}: {describe(video)}")
        if snapshot.job.status != self._job_status:
            self._job_status = snapshot.job.status
            self._say(f"job {snapshot.job.id}: {snapshot.job.status}")

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

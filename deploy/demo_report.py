"""What the demo says about a job: how fast it was, what came out, what went wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence

import marey
from rich.markup import escape
from rich.table import Table

_WORKING = frozenset({"inferring", "collecting"})
_ENDED = frozenset({"completed", "failed"})


class Stopwatch:
    """Times the videos of a job from the outside, by looking at its snapshots."""

    def __init__(self) -> None:
        self._first_s: dict[int, float] = {}
        self._last_s: dict[int, float] = {}
        self._seen: marey.Snapshot | None = None
        self._changed_s: float | None = None

    def look(self, snapshot: marey.Snapshot, now_s: float) -> None:
        """Note which videos have begun and ended at the time `now_s`."""
        if snapshot != self._seen:
            self._seen, self._changed_s = snapshot, now_s
        for video in snapshot.videos:
            if video.status in _WORKING | _ENDED:
                self._first_s.setdefault(video.id, now_s)
            if video.status in _ENDED:
                self._last_s.setdefault(video.id, now_s)

    def idle_s(self, now_s: float) -> float:
        """Seconds since a snapshot differed from the one before; 0 before the first."""
        return 0.0 if self._changed_s is None else now_s - self._changed_s

    def frames_per_s(self, video: marey.JobVideo) -> float | None:
        """Frames per second from the first sign of work to the files; None if it was not seen working."""
        duration_s = self._last_s.get(video.id, 0.0) - self._first_s.get(video.id, 0.0)
        return video.frames_done / duration_s if duration_s > 0 else None


def results_table(
    videos: Sequence[marey.JobVideo], files: Sequence[marey.ResultFile], stopwatch: Stopwatch
) -> Table:
    """One row per video."""
    table = Table(box=None, pad_edge=False)
    table.add_column("video", overflow="fold")
    for column in ("frames", "people", "mean confidence", "frames/s", "files"):
        table.add_column(column, justify="right")
    counts = Counter(file.video_id for file in files)
    for video in videos:
        summary = video.summary or {}
        table.add_row(
            escape(video.name),
            f"{video.frames_done - video.frames_missing}",
            _number(summary.get("people"), ".0f"),
            _number(summary.get("mean_confidence"), ".2f"),
            _number(stopwatch.frames_per_s(video), ".1f"),
            str(counts[video.id]),
        )
    return table


def troubles(snapshot: marey.Snapshot) -> Iterator[str]:
    """A sentence for everything that went wrong."""
    job = snapshot.job
    if job.error_message:
        yield f"The job {job.status}: {job.error_message} [{job.error_code}]"
    for video in snapshot.videos:
        if video.error_message:
            yield f"{video.name} {video.status}: {video.error_message} [{video.error_code}]"


def _number(value: object, form: str) -> str:
    return format(value, form) if isinstance(value, int | float) else "-"

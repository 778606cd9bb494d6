"""Poses of a job, ready for a table."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from marey.errors import MissingDependencyError
from marey.objects.jobs import Job, JobVideo, Snapshot

if TYPE_CHECKING:
    import pyarrow

_SMOOTHING = b"marey.smoothing"


@dataclass(frozen=True, repr=False)
class Poses:
    """The poses of a job's videos: a row per person and frame.

    Anything that reads Arrow takes it as it is: `polars.DataFrame(poses)`, `pyarrow.table(poses)`,
    `pandas.DataFrame.from_arrow(poses)`. That and `table` need PyArrow (`pip install 'marey[arrow]'`);
    `parquet` does not.
    """

    snapshot: Snapshot
    parquet: Mapping[int, bytes]
    """By id of the video, its keypoints.parquet. Videos that failed have none."""

    def __repr__(self) -> str:
        return f"Poses(job={self.job.id}, status={self.job.status!r}, videos={sorted(self.parquet)})"

    @property
    def job(self) -> Job:
        """The job that found them."""
        return self.snapshot.job

    @property
    def videos(self) -> list[JobVideo]:
        """The job's videos, those that failed too."""
        return self.snapshot.videos

    def table(self) -> pyarrow.Table:
        """One table of all videos, in their order.

        Columns: video, frame, time_s, person, box_x1_px .. box_score, then x_px, y_px and confidence of each
        joint, and smoothing_cutoff_hz if it was asked for. The schema's metadata name the joint set and the
        frame of the coordinates; how a video was smoothed is in those of its file alone. Raises
        MissingDependencyError.
        """
        pyarrow = _pyarrow()
        files = [self.parquet[video.id] for video in self.videos if video.id in self.parquet]
        tables = [pyarrow.parquet.read_table(io.BytesIO(file)) for file in files]
        table = pyarrow.concat_tables(tables)
        shared = {name: text for name, text in table.schema.metadata.items() if name != _SMOOTHING}
        return table.replace_schema_metadata(shared)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The Arrow PyCapsule interface."""
        return self.table().__arrow_c_stream__(requested_schema)


def _pyarrow() -> ModuleType:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            "expected PyArrow for a table: pip install 'marey[arrow]', or read `parquet` with what you have"
        ) from error
    return pyarrow

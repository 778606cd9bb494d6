"""Keypoints as a table: the same rows as CSV and as Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from biomechanics.smoothing import Smoothing
from core.errors import ObjectStoreError
from core.poses import PoseBatch
from core.skeletons import Skeleton

_ROW_GROUP_ROWS = 10_000
_BOX_DECIMALS = (2, 2, 2, 2, 4)
_JOINT_DECIMALS = (2, 2, 4)
_TIME_DECIMALS = 6
_NS_PER_S = 1e9
_CUTOFF = "smoothing_cutoff_hz"


def table_schema(skeleton: Skeleton, smoothing: Smoothing | None = None) -> pa.Schema:
    """Names and types of the columns; the file states the joint set and the frame of its coordinates.

    Where smoothing was asked for there is one column more, `smoothing_cutoff_hz`, and the file says what was
    done.
    """
    joint_columns = [
        f"{joint}_{part}" for joint in skeleton.joints for part in ("x_px", "y_px", "confidence")
    ]
    measured = ["box_x1_px", "box_y1_px", "box_x2_px", "box_y2_px", "box_score", *joint_columns]
    return pa.schema(
        [
            ("video", pa.string()),
            ("frame", pa.int32()),
            ("time_s", pa.float64()),
            ("person", pa.int32()),
            *((name, pa.float32()) for name in measured),
            *([] if smoothing is None else [(_CUTOFF, pa.float32())]),
        ],
        metadata={
            "marey.skeleton": skeleton.name,
            "marey.coordinates": "displayed frame, px, pixel centres at +0.5",
            **({} if smoothing is None else {"marey.smoothing": msgspec.json.encode(smoothing)}),
        },
    )


class KeypointTableWriter:
    """Writes keypoints.csv and keypoints.parquet in step, with flat memory. A context manager.

    One row per person and frame: pixels to 0.01, confidences to 0.0001, times to 1 us.
    """

    def __init__(
        self,
        csv_path: Path,
        parquet_path: Path,
        video_name: str,
        skeleton: Skeleton,
        smoothing: Smoothing | None = None,
    ) -> None:
        """`smoothing` says how the joints that come were smoothed."""
        self._video_name = video_name
        self._smoothing = smoothing
        self._schema = table_schema(skeleton, smoothing)
        self._rows = _RowGroup(len(skeleton.joints))
        with _table_errors(video_name):
            self._csv = pyarrow.csv.CSVWriter(
                csv_path, self._schema, write_options=pyarrow.csv.WriteOptions(quoting_style="needed")
            )
            self._parquet = pyarrow.parquet.ParquetWriter(parquet_path, self._schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _table_errors(self._video_name):
            self._write_rows()
            self._csv.close()
            self._parquet.close()

    def append(self, batch: PoseBatch, person_ids: NDArray[np.int32]) -> None:
        """Add the people of a batch; `person_ids` is int32 [M] beside them."""
        order = np.lexsort((person_ids, batch.frame_index))
        times_s = frame_times_s(batch)
        while len(order):
            taken, order = np.split(order, [self._rows.room])
            self._rows.add(batch, times_s, person_ids, taken)
            if self._rows.room == 0:
                with _table_errors(self._video_name):
                    self._write_rows()

    def _write_rows(self) -> None:
        if self._rows.count:
            columns = [pa.array([self._video_name] * self._rows.count, pa.string()), *self._rows.columns()]
            if self._smoothing is not None:
                cutoff_hz = self._smoothing.cutoff_hz if self._smoothing.is_applied else None
                columns.append(pa.array([cutoff_hz] * self._rows.count, pa.float32()))
            table = pa.Table.from_arrays(columns, schema=self._schema)
            self._csv.write_table(table)
            self._parquet.write_table(table)
            self._rows.count = 0


class _RowGroup:
    """Rows that wait to be written, in arrays that are made once.

    Many small arrays that live long, between the large short-lived ones of the pictures, would keep the heap
    from using freed memory again: 1.4 MB were lost with each (bench/README.md).
    """

    def __init__(self, joint_count: int) -> None:
        self.count = 0
        self._frames = np.empty(_ROW_GROUP_ROWS, np.int32)
        self._times_s = np.empty(_ROW_GROUP_ROWS, np.float64)
        self._person_ids = np.empty(_ROW_GROUP_ROWS, np.int32)
        decimals = [*_BOX_DECIMALS, *_JOINT_DECIMALS * joint_count]
        self._steps = 10.0 ** np.array(decimals)[:, None]
        self._measures = np.empty((len(decimals), _ROW_GROUP_ROWS), np.float32)

    @property
    def room(self) -> int:
        """How many more rows fit."""
        return _ROW_GROUP_ROWS - self.count

    def add(
        self,
        batch: PoseBatch,
        times_s: NDArray[np.float64],
        person_ids: NDArray[np.int32],
        taken: NDArray[np.intp],
    ) -> None:
        """Add the people `taken` of a batch, [at most `room`] indices."""
        rows = slice(self.count, self.count + len(taken))
        self._frames[rows] = batch.frame_index[taken]
        self._times_s[rows] = times_s[taken]
        self._person_ids[rows] = person_ids[taken]
        keypoints = batch.keypoints_px[taken].reshape(len(taken), -1)
        values = np.concatenate([batch.boxes_px[taken], keypoints], axis=-1).T.astype(np.float64)
        self._measures[:, rows] = np.round(values * self._steps) / self._steps
        self.count = rows.stop

    def columns(self) -> list[NDArray[np.int32] | NDArray[np.float64] | NDArray[np.float32]]:
        """Every column but the first, [count] each: views, good until the next `add`."""
        rows = slice(self.count)
        return [
            self._frames[rows],
            self._times_s[rows],
            self._person_ids[rows],
            *self._measures[:, rows],
        ]


def frame_times_s(batch: PoseBatch) -> NDArray[np.float64]:
    """Presentation time of each person's frame, [M] s, to the microsecond."""
    at = np.searchsorted(batch.decoded_frames, batch.frame_index)
    return np.round(batch.decoded_pts_ns[at] / _NS_PER_S, _TIME_DECIMALS)


@contextmanager
def _table_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ObjectStoreError(f"{name}: expected to write its table, got: {error}") from error

"""Keypoints as a table: the same rows as CSV and as Parquet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from core.errors import ObjectStoreError
from core.poses import PoseBatch
from core.skeletons import Skeleton

_ROW_GROUP_ROWS = 10_000
_BOX_DECIMALS = (2, 2, 2, 2, 4)
_JOINT_DECIMALS = (2, 2, 4)
_TIME_DECIMALS = 6
_NS_PER_S = 1e9


def table_schema(skeleton: Skeleton) -> pa.Schema:
    """Names and types of the columns; the file states the joint set and the frame of its coordinates."""
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
        ],
        metadata={
            "marey.skeleton": skeleton.name,
            "marey.coordinates": "displayed frame, px, pixel centres at +0.5",
        },
    )


class KeypointTableWriter:
    """Writes keypoints.csv and keypoints.parquet in step, with flat memory. A context manager.

    One row per person and frame: pixels to 0.01, confidences to 0.0001, times to 1 us.
    """

    def __init__(self, csv_path: Path, parquet_path: Path, video_name: str, skeleton: Skeleton) -> None:
        self._video_name = video_name
        self._schema = table_schema(skeleton)
        self._waiting: list[pa.RecordBatch] = []
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
            self._write_row_group()
            self._csv.close()
            self._parquet.close()

    def append(self, batch: PoseBatch, person_ids: NDArray[np.int32]) -> None:
        """Add the people of a batch; `person_ids` is int32 [M] beside them."""
        rows = self._rows(batch, person_ids)
        with _table_errors(self._video_name):
            self._csv.write_batch(rows)
            self._waiting.append(rows)
            if sum(waiting.num_rows for waiting in self._waiting) >= _ROW_GROUP_ROWS:
                self._write_row_group()

    def _rows(self, batch: PoseBatch, person_ids: NDArray[np.int32]) -> pa.RecordBatch:
        order = np.lexsort((person_ids, batch.frame_index))
        frames = batch.frame_index[order]
        columns = [
            pa.array([self._video_name] * len(order), pa.string()),
            frames.astype(np.int32),
            frame_times_s(batch)[order],
            person_ids[order].astype(np.int32),
            *_measures(batch, order),
        ]
        return pa.record_batch(columns, schema=self._schema)

    def _write_row_group(self) -> None:
        if self._waiting:
            self._parquet.write_table(pa.Table.from_batches(self._waiting, self._schema))
            self._waiting.clear()


def frame_times_s(batch: PoseBatch) -> NDArray[np.float64]:
    """Presentation time of each person's frame, [M] s, to the microsecond."""
    at = np.searchsorted(batch.decoded_frames, batch.frame_index)
    return np.round(batch.decoded_pts_ns[at] / _NS_PER_S, _TIME_DECIMALS)


def _measures(batch: PoseBatch, order: NDArray[np.intp]) -> list[NDArray[np.float32]]:
    """Box and joint columns, float32 [M] each, rounded."""
    people, joints, channels = batch.keypoints_px.shape
    keypoints = batch.keypoints_px[order].reshape(people, joints * channels)
    values = np.concatenate([batch.boxes_px[order], keypoints], axis=-1).astype(np.float64)
    steps = 10.0 ** np.array([*_BOX_DECIMALS, *_JOINT_DECIMALS * joints])
    return list(np.ascontiguousarray((np.round(values * steps) / steps).astype(np.float32).T))


@contextmanager
def _table_errors(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise ObjectStoreError(f"{name}: expected to write its table, got: {error}") from error

import csv
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biomechanics.files.tables import KeypointTableWriter
from biomechanics.smoothing import Smoothing, TrackSmoother
from core.errors import ObjectStoreError
from core.poses import PoseBatch
from core.skeletons import COCO_17, HALPE_26, Skeleton


def pose_batch(
    frames: list[int], people_in: list[int], skeleton: Skeleton = COCO_17, seed: int = 0
) -> PoseBatch:
    """Poses in `frames` (29.97 per second), with one person for each frame named in `people_in`."""
    random = np.random.default_rng(seed)
    count = len(people_in)
    keypoints = random.uniform(0, 2000, (count, len(skeleton.joints), 3)).astype(np.float32)
    keypoints[..., 2] = random.uniform(0, 1, keypoints.shape[:2])
    boxes = random.uniform(0, 2000, (count, 5)).astype(np.float32)
    boxes[..., 4] = random.uniform(0, 1, count)
    return PoseBatch(
        decoded_frames=np.array(frames, np.int32),
        decoded_pts_ns=np.array([round(frame * 1001 / 30000 * 1e9) for frame in frames], np.int64),
        frame_index=np.array(people_in, np.int32),
        boxes_px=boxes,
        keypoints_px=keypoints,
    )


def write(folder: Path, batches: list[tuple[PoseBatch, list[int]]], skeleton: Skeleton = COCO_17) -> None:
    with KeypointTableWriter(folder / "k.csv", folder / "k.parquet", "run.mp4", skeleton) as writer:
        for batch, person_ids in batches:
            writer.append(batch, np.array(person_ids, np.int32))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_columns_and_rows(tmp_path: Path) -> None:
    batch = pose_batch([0, 1, 2], [0, 2, 2], HALPE_26)
    write(tmp_path, [(batch, [1, 2, 1])], HALPE_26)
    rows = rows_of(tmp_path / "k.csv")
    assert list(rows[0])[:12] == [
        "video", "frame", "time_s", "person", "box_x1_px", "box_y1_px", "box_x2_px", "box_y2_px",
        "box_score", "nose_x_px", "nose_y_px", "nose_confidence",
    ]  # fmt: skip
    assert list(rows[0])[-1] == "right_heel_confidence"
    assert len(rows[0]) == 9 + 3 * 26
    assert [(row["video"], row["frame"], row["person"]) for row in rows] == [
        ("run.mp4", "0", "1"), ("run.mp4", "2", "1"), ("run.mp4", "2", "2"),
    ]  # fmt: skip
    assert [row["time_s"] for row in rows] == ["0", "0.066733", "0.066733"]
    assert float(rows[1]["nose_x_px"]) == pytest.approx(batch.keypoints_px[2, 0, 0], abs=0.005001)
    assert float(rows[1]["nose_confidence"]) == pytest.approx(batch.keypoints_px[2, 0, 2], abs=0.000051)


@settings(max_examples=20, deadline=None)
@given(people=st.lists(st.integers(0, 9), max_size=30), seed=st.integers(0, 100))
def test_both_files_hold_the_same_numbers(
    tmp_path_factory: pytest.TempPathFactory, people: list[int], seed: int
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    batch = pose_batch(list(range(10)), sorted(people), seed=seed)
    write(folder, [(batch, list(range(1, len(people) + 1)))])
    table = pq.read_table(folder / "k.parquet")
    rows = rows_of(folder / "k.csv")
    assert table.num_rows == len(rows) == len(people)
    for name in table.column_names[1:]:
        column = table.column(name).to_numpy()
        np.testing.assert_array_equal(column, np.array([row[name] for row in rows], column.dtype), name)


def test_numbers_are_short(tmp_path: Path) -> None:
    write(tmp_path, [(pose_batch([0], [0]), [1])])
    values = list(rows_of(tmp_path / "k.csv")[0].values())[4:]
    assert max(len(value) for value in values) <= len("1234.56")


def test_many_batches_become_row_groups(tmp_path: Path) -> None:
    batch = pose_batch(list(range(3000)), list(range(3000)))
    write(tmp_path, [(batch, [1] * 3000)] * 7)
    table = pq.ParquetFile(tmp_path / "k.parquet")
    assert [table.metadata.row_group(at).num_rows for at in range(3)] == [10_000, 10_000, 1_000]
    np.testing.assert_array_equal(table.read(["frame"])["frame"].to_numpy(), list(range(3000)) * 7)
    assert [int(row["frame"]) for row in rows_of(tmp_path / "k.csv")] == list(range(3000)) * 7


def test_nobody_at_all(tmp_path: Path) -> None:
    write(tmp_path, [(pose_batch([0, 1], []), [])])
    assert rows_of(tmp_path / "k.csv") == []
    assert pq.read_table(tmp_path / "k.parquet").num_rows == 0


def test_the_file_states_its_joint_set(tmp_path: Path) -> None:
    write(tmp_path, [])
    metadata = pq.read_schema(tmp_path / "k.parquet").metadata
    assert metadata[b"marey.skeleton"] == b"coco_17"


def test_names_with_commas_and_quotes_survive(tmp_path: Path) -> None:
    name = 'run, "fast".mp4'
    with KeypointTableWriter(tmp_path / "k.csv", tmp_path / "k.parquet", name, COCO_17) as writer:
        writer.append(pose_batch([0], [0]), np.array([1], np.int32))
    assert rows_of(tmp_path / "k.csv")[0]["video"] == name


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ObjectStoreError, match="expected to write its table"):
        KeypointTableWriter(tmp_path / "absent/k.csv", tmp_path / "absent/k.parquet", "a", COCO_17)


def test_files_say_how_their_joints_were_smoothed(tmp_path: Path) -> None:
    batch = pose_batch([0, 1, 2], [0, 1, 1])
    smoothing = TrackSmoother(6.0, batch.decoded_pts_ns).smoothing
    assert smoothing.is_applied
    csv_path, parquet_path = tmp_path / "k.csv", tmp_path / "k.parquet"
    with KeypointTableWriter(csv_path, parquet_path, "run.mp4", COCO_17, smoothing) as writer:
        writer.append(batch, np.array([1, 1, 2], np.int32))
    assert [row["smoothing_cutoff_hz"] for row in rows_of(csv_path)] == ["6"] * 3
    table = pq.read_table(parquet_path)
    assert table.column("smoothing_cutoff_hz").to_pylist() == [6.0] * 3
    assert msgspec.json.decode(table.schema.metadata[b"marey.smoothing"], type=Smoothing) == smoothing


def test_files_say_that_their_joints_were_not_smoothed_though_asked_for(tmp_path: Path) -> None:
    batch = pose_batch([0, 1, 2], [0])
    smoothing = TrackSmoother(20.0, batch.decoded_pts_ns).smoothing
    assert not smoothing.is_applied
    csv_path, parquet_path = tmp_path / "k.csv", tmp_path / "k.parquet"
    with KeypointTableWriter(csv_path, parquet_path, "run.mp4", COCO_17, smoothing) as writer:
        writer.append(batch, np.array([1], np.int32))
    assert [row["smoothing_cutoff_hz"] for row in rows_of(csv_path)] == [""]
    assert pq.read_table(parquet_path).column("smoothing_cutoff_hz").to_pylist() == [None]


def test_files_of_joints_as_they_were_found_are_as_ever(tmp_path: Path) -> None:
    write(tmp_path, [(pose_batch([0], [0]), [1])])
    assert "smoothing_cutoff_hz" not in (tmp_path / "k.csv").read_text()
    assert b"marey.smoothing" not in pq.read_schema(tmp_path / "k.parquet").metadata

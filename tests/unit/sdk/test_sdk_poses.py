"""Poses as tables."""

import io
import sys

import marey
import pyarrow as pa
import pyarrow.parquet
import pytest
from marey.objects.jobs import JobVideo, Snapshot

from tests.unit.sdk.jobs import job


def parquet(video: str, frames: list[int]) -> bytes:
    """A small keypoints.parquet."""
    table = pa.table(
        {"video": pa.array([video] * len(frames)), "frame": pa.array(frames, pa.int32())}
    ).replace_schema_metadata({"marey.skeleton": "halpe_26", "marey.smoothing": f"that of {video}"})
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()


@pytest.fixture
def poses() -> marey.Poses:
    """Of three videos; the second failed, the files came in another order."""
    videos = [JobVideo(id=number, job_id=3, name=f"{number}.mp4", status="completed") for number in (1, 2, 3)]
    files = {3: parquet("3.mp4", [0]), 1: parquet("1.mp4", [0, 1])}
    return marey.Poses(Snapshot(job=job("completed_with_errors"), videos=videos), files)


def test_one_table_of_all_videos_in_their_order(poses: marey.Poses) -> None:
    table = poses.table()
    assert table.to_pydict() == {"video": ["1.mp4", "1.mp4", "3.mp4"], "frame": [0, 1, 0]}
    assert table.schema.metadata == {b"marey.skeleton": b"halpe_26"}
    assert repr(poses) == "Poses(job=3, status='completed_with_errors', videos=[1, 3])"


def test_arrow_readers_take_them_as_they_are(poses: marey.Poses) -> None:
    assert pa.table(poses) == poses.table()


def test_without_pyarrow_it_says_what_to_install(poses: marey.Poses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(marey.MissingDependencyError, match=r"pip install 'marey\[arrow\]'"):
        poses.table()

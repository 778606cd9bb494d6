"""Tiny videos are cut where they are meant to be."""

from pathlib import Path

from bench.tiny_video import write_tiny_video
from ingest.probe import MediaLimits, probe_video
from ingest.runs import plan_runs


def test_runs_start_where_they_are_meant_to(tmp_path: Path) -> None:
    write_tiny_video(tmp_path / "v.mp4", 150, 64)
    info = probe_video(tmp_path / "v.mp4", MediaLimits())
    runs = plan_runs(info, 1, 64)
    assert [run.span.start for run in runs] == [0, 64, 128]
    assert [len(run.batches) for run in runs] == [64, 64, 22]

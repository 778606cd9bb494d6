import csv
import json
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest

from core.poses import PoseBatch
from core.skeletons import HALPE_26
from ingest.probe import MediaLimits, probe_video
from orchestrator.parameters import JobParameters
from orchestrator.stages.collection import Collection
from orchestrator.store.flow import VideoSource
from tests.media import Clip, write_clip

FRAMES = 16


def pose_batch(people_of: list[int]) -> PoseBatch:
    """A batch of FRAMES frames; `people_of` lists the frame of each person."""
    count = len(people_of)
    boxes = np.tile(np.array([10, 10, 60, 80, 0.9], np.float32), (count, 1))
    boxes[:, [0, 2]] += 60 * (np.arange(count) % 2)[:, None]
    return PoseBatch(
        decoded_frames=np.arange(FRAMES, dtype=np.int32),
        decoded_pts_ns=np.arange(FRAMES, dtype=np.int64) * 40_000_000,
        frame_index=np.array(people_of, np.int32),
        boxes_px=boxes,
        keypoints_px=np.full((count, 26, 3), 30, np.float32),
    )


@pytest.mark.parametrize("people_of", [[], [2], [0, 0, 1, 1, 5, 5]], ids=["nobody", "one", "two with a gap"])
def test_results_list_just_the_people_there_are(tmp_path: Path, people_of: list[int]) -> None:
    video = write_clip(tmp_path / "clip.mp4", Clip(frames=FRAMES))
    source = VideoSource(
        id=1, job_id=1, name="clip.mp4", path="", results_path="", frames_total=FRAMES,
        parameters=JobParameters(),
    )  # fmt: skip
    collection = Collection(tmp_path, source, probe_video(video, MediaLimits()), HALPE_26)
    summary = collection.write(iter([pose_batch(people_of)]), video)
    with (tmp_path / "keypoints.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == people_of
    assert summary.poses == len(people_of)
    assert summary.people == len({row["person"] for row in rows})
    with av.open(str(tmp_path / "overlay.mp4")) as overlay:
        assert sum(1 for _ in overlay.decode(video=0)) == FRAMES


def shaken(people_of: list[int]) -> PoseBatch:
    """People who move 10 px per frame, with joints that shake."""
    batch = pose_batch(people_of)
    noise = np.random.default_rng(0).normal(0, 4, batch.keypoints_px.shape).astype(np.float32)
    batch.keypoints_px[..., :2] = 100 + 10 * batch.frame_index[:, None, None] + noise[..., :2]
    batch.keypoints_px[..., 2] = 0.9
    return batch


def test_smoothed_results_have_the_same_rows_and_steadier_joints(tmp_path: Path) -> None:
    video = write_clip(tmp_path / "clip.mp4", Clip(frames=FRAMES))
    info = probe_video(video, MediaLimits())
    rows = {}
    for cutoff_hz in (None, 2.0, 12.0):
        folder = tmp_path / str(cutoff_hz)
        folder.mkdir()
        parameters = JobParameters(overlay="off", smoothing_cutoff_hz=cutoff_hz)
        source = VideoSource(
            id=1, job_id=1, name="clip.mp4", path="", results_path="", frames_total=FRAMES,
            parameters=parameters,
        )  # fmt: skip
        summary = Collection(folder, source, info, HALPE_26).write(iter([shaken([*range(FRAMES)])]), video)
        kept = json.loads((folder / "summary.json").read_bytes())["smoothing"]
        assert kept == (None if cutoff_hz is None else msgspec.to_builtins(summary.smoothing))
        with (folder / "keypoints.csv").open(newline="") as file:
            rows[cutoff_hz] = list(csv.DictReader(file))
    same = ("video", "frame", "time_s", "person", "box_x1_px", "nose_confidence")
    for name in same:
        assert [row[name] for row in rows[2.0]] == [row[name] for row in rows[None]]
    shake = {
        cutoff: np.abs(np.diff([float(row["nose_x_px"]) for row in of], 2)).sum()
        for cutoff, of in rows.items()
    }
    assert shake[2.0] < shake[12.0] <= shake[None]

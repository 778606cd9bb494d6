"""Rendered clips with known truth, and what a service's result files say of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from core.skeletons import Skeleton
from ingest.rendered.clips import ClipTruth, PersonTruth, read_truth, write_clip
from ingest.rendered.scene import SceneRequest, sample_scene
from trt_build.evaluation.metrics import MIN_VISIBLE_FRACTION, FoundPeople, TruePeople

BOX_COLUMNS = ("box_x1_px", "box_y1_px", "box_x2_px", "box_y2_px", "box_score")
NECK, HEAD = "neck", "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRequest:
    """The clips of one evaluation. Few frames per second show many poses in a short clip."""

    frame_count: int = 20
    frame_rate: Fraction = Fraction(8)


def render_clips(seeds: range, folder: Path, request: ClipRequest) -> Iterator[Path]:
    """One H.264 clip per seed, with its truth beside it."""
    scene = SceneRequest(frame_count=request.frame_count, frame_rate=request.frame_rate)
    for seed in seeds:
        video = folder / f"seed_{seed}.mp4"
        write_clip(sample_scene(seed, scene), video)
        yield video


def compare(video: Path, parquet: Path, skeleton: Skeleton) -> list[tuple[TruePeople, FoundPeople]]:
    """Truth and finding of each frame of a clip."""
    truth = read_truth(video)
    found = found_people(parquet, skeleton)
    nobody = FoundPeople(boxes_px=np.empty((0, 5)), keypoints_px=np.empty((0, len(skeleton.joints), 3)))
    return [
        (true_people(people, truth, skeleton), found.get(frame, nobody))
        for frame, people in enumerate(truth.frames)
    ]


def true_people(people: list[PersonTruth], clip: ClipTruth, skeleton: Skeleton) -> TruePeople:
    """One frame's truth as arrays.

    The head's size is the length from neck to top of the head, put upright at the head's distance, so
    that it does not shrink when the athlete bends towards the camera.
    """
    joints = len(skeleton.joints)
    keypoints = np.array([p.keypoints_px for p in people], np.float64).reshape(-1, joints, 3)
    metric = np.array([p.keypoints_mm for p in people], np.float64).reshape(-1, joints, 3)
    head, neck = metric[:, skeleton.index(HEAD)], metric[:, skeleton.index(NECK)]
    focal_px = clip.intrinsics_px[1]
    return TruePeople(
        boxes_px=np.array([p.box_px for p in people], np.float64).reshape(-1, 4),
        keypoints_px=keypoints[..., :2],
        visible=keypoints[..., 2] > 0,
        head_size_px=np.linalg.norm(head - neck, axis=-1) * focal_px / np.maximum(head[:, 2], 1),
        counts=np.array([p.visible_fraction >= MIN_VISIBLE_FRACTION for p in people], bool),
    )


def found_people(parquet: Path, skeleton: Skeleton) -> dict[int, FoundPeople]:
    """The people of a `keypoints.parquet`, by frame."""
    table = pq.read_table(parquet)
    boxes = np.stack([table[name].to_numpy() for name in BOX_COLUMNS], axis=-1)
    channels = [f"{joint}_{axis}" for joint in skeleton.joints for axis in ("x_px", "y_px", "confidence")]
    keypoints = np.stack([table[name].to_numpy() for name in channels], axis=-1)
    keypoints = keypoints.reshape(-1, len(skeleton.joints), 3)
    frames = table["frame"].to_numpy()
    return {
        int(frame): FoundPeople(boxes_px=boxes[frames == frame], keypoints_px=keypoints[frames == frame])
        for frame in np.unique(frames)
    }

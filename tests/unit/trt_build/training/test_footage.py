"""Training rows of rendered clips say where people and their joints are, as the service would see them."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from core.skeletons import HALPE_26
from ingest.rendered.scene import SceneRequest, sample_scene
from model_repository.glue.crops import heatmap_to_picture
from trt_build.training.draws import Draws
from trt_build.training.footage import (
    CROPS_PER_PERSON,
    FRAMES_PER_CLIP,
    FootageFrame,
    clip_frames,
    detector_rows,
    pose_rows,
)
from trt_build.training.footage_stream import FIRST_ROWS, Clips, Footage, FootageSupply, for_detector

pytestmark = pytest.mark.torch

NETWORK_HW = (96, 96)
CROP_HW = (64, 48)


@pytest.fixture(scope="module")
def frame() -> FootageFrame:
    request = SceneRequest(size=(320, 180), frame_count=1, people=3, camera="static")
    rendered = sample_scene(3, request).render(0)
    return FootageFrame(image=rendered.image, truth=rendered.truth)


def test_clips_keep_each_frame_beside_its_truth() -> None:
    frames = list(clip_frames(5))
    assert len(frames) == FRAMES_PER_CLIP
    boxes = [frame.truth.boxes_px for frame in frames]
    assert any((before != after).any() for before, after in pairwise(boxes))


def test_scene_rows_are_the_letterboxed_picture(frame: FootageFrame) -> None:
    rows = detector_rows(frame, NETWORK_HW)
    assert rows["images"].shape == (1, 3, *NETWORK_HW)
    shown = frame.truth.visible_fraction > 0
    boxes = rows["boxes_px"][0][rows["counts"][0] | rows["ignored"][0]]
    np.testing.assert_allclose(boxes, frame.truth.boxes_px[shown] * 96 / 320, atol=1e-3)
    assert not np.logical_and(rows["counts"], rows["ignored"]).any()
    assert rows["counts"].sum() == (frame.truth.visible_fraction >= 1 / 3).sum()


def test_joints_of_exact_boxes_go_back_to_their_place(frame: FootageFrame) -> None:
    rows = pose_rows(frame, CROP_HW, _NoNoise())
    people = np.flatnonzero(frame.truth.visible_fraction >= 1 / 3).repeat(CROPS_PER_PERSON)
    assert rows["images"].shape == (len(people), 3, *CROP_HW)
    boxes = frame.truth.boxes_px[people].astype(np.float32)
    back = heatmap_to_picture(rows["joints_px"].astype(np.float32), boxes, CROP_HW)
    np.testing.assert_allclose(back, frame.truth.keypoints_px[people], atol=0.01)


def test_joints_outside_the_picture_do_not_count(frame: FootageFrame) -> None:
    rows = pose_rows(frame, CROP_HW, np.random.default_rng(1))
    people = np.flatnonzero(frame.truth.visible_fraction >= 1 / 3).repeat(CROPS_PER_PERSON)
    points, visible = frame.truth.keypoints_px[people], frame.truth.visible[people]
    outside = (points < 0).any(-1) | (points >= (320, 180)).any(-1)
    assert rows["weights"].shape == (len(people), len(HALPE_26.joints))
    np.testing.assert_array_equal(rows["weights"] == 0, outside)
    np.testing.assert_array_equal(rows["weights"] == 1, visible & ~outside)


def test_footage_arrives_from_processes_of_its_own() -> None:
    supply = FootageSupply(share=1.0, workers=1, memory=FIRST_ROWS)
    footage = Footage(Clips(for_detector, NETWORK_HW, 1), supply, torch.device("cpu"))
    rows = footage.rows(16, Draws(1, torch.device("cpu")))
    assert rows["images"].shape == (16, 3, *NETWORK_HW)
    assert rows["images"].max() > 128
    assert rows["counts"].any()


class _NoNoise(np.random.Generator):
    """Boxes as they are."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(0))

    def standard_t(self, df: float, size: tuple[int, ...]) -> np.ndarray:  # type: ignore[override]
        del df
        return np.zeros(size)

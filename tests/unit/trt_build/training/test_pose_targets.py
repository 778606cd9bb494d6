"""Heatmaps there and back, and what mirroring does to crops and scenes."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from core.skeletons import HALPE_26
from trt_build.training.crops import PoseBatch
from trt_build.training.pose import peaks, pose_loss, target_heatmaps
from trt_build.training.scenes import DetectorBatch
from trt_build.training.tasks import mirrored_crops, mirrored_scenes

pytestmark = pytest.mark.torch


def random_joints(count: int) -> torch.Tensor:
    """[count, 26, 2] away from the border of a 256x192 crop."""
    generator = torch.Generator().manual_seed(5)
    return torch.rand((count, 26, 2), generator=generator) * torch.tensor([160.0, 224.0]) + 16


def test_joints_come_back_from_their_heatmaps() -> None:
    joints = random_joints(4)
    found, score = peaks(target_heatmaps(joints, (64, 48)))
    # The quarter step leaves at most a quarter of a cell (1 px) on each axis.
    assert (found - joints).abs().max() <= 1 + 1e-4
    assert score.min() > 0.93


def test_a_perfect_heatmap_has_no_loss_and_hidden_joints_do_not_count() -> None:
    joints, weights = random_joints(2), torch.ones(2, 26)
    maps = target_heatmaps(joints, (64, 48))
    assert pose_loss(maps, joints, weights) == 0
    maps[:, 3] = 9
    assert pose_loss(maps, joints, weights) > 0
    weights[:, 3] = 0
    assert pose_loss(maps, joints, weights) == 0


def test_a_mirrored_crop_shows_each_joint_where_it_says() -> None:
    joints = random_joints(2).round()
    images = torch.zeros(2, 3, 256, 192)
    left, right = HALPE_26.index("left_wrist"), HALPE_26.index("right_wrist")
    x, y = joints[0, left].long().tolist()
    images[0, 0, y, x] = 255
    weights = torch.ones(2, 26)
    weights[0, left] = 0.5
    batch = PoseBatch(images=images, joints_px=joints, weights=weights)
    mirrored = mirrored_crops(batch, torch.tensor([True, False]))
    x, y = mirrored.joints_px[0, right].long().tolist()
    assert mirrored.images[0, 0, y, x] == 255
    assert mirrored.weights[0, right] == 0.5
    assert torch.equal(mirrored.joints_px[1], joints[1])
    twice = mirrored_crops(mirrored, torch.tensor([True, False]))
    np.testing.assert_allclose(twice.joints_px, joints, atol=1e-5)


def test_a_mirrored_scene_keeps_its_boxes_on_the_people() -> None:
    images = torch.zeros(1, 3, 64, 64)
    images[0, :, 10:20, 5:9] = 255
    batch = DetectorBatch(
        images=images,
        boxes_px=torch.tensor([[[5.0, 10.0, 9.0, 20.0]]]),
        counts=torch.tensor([[True]]),
        ignored=torch.tensor([[False]]),
    )
    mirrored = mirrored_scenes(batch, torch.tensor([True]))
    x1, y1, x2, y2 = mirrored.boxes_px[0, 0].long().tolist()
    assert mirrored.images[0, :, y1:y2, x1:x2].min() == 255
    assert mirrored.images.sum() == images.sum()

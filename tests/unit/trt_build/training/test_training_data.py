"""Scenes and crops drawn from a cast of procedural athletes agree with their truth."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from trt_build.training.crops import PoseCrops
from trt_build.training.degrade import blur_kernels, blurred
from trt_build.training.draws import Draws
from trt_build.training.kernels import host_compiler
from trt_build.training.procedural_cast import ProceduralCast
from trt_build.training.replay import Replay
from trt_build.training.scenes import DetectorScenes
from trt_build.training.schedule import Average, learning_rate

try:
    host_compiler()
except FileNotFoundError as missing:
    pytest.skip(str(missing), allow_module_level=True)

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def cast() -> ProceduralCast:
    return ProceduralCast(8, 3, CPU)


def test_scenes_have_boxes_inside_their_content(cast: ProceduralCast) -> None:
    batch = DetectorScenes((cast,), CPU, (64, 96)).batch(8, Draws(11, CPU))
    assert batch.images.shape == (8, 3, 64, 96)
    np.testing.assert_array_equal(batch.images, batch.images.round().clamp(0, 255))
    boxes = batch.boxes_px[batch.counts]
    assert len(boxes)
    assert (boxes >= 0).all()
    assert (boxes <= torch.tensor([96, 64, 96, 64])).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert not (batch.counts & batch.ignored).any()


def test_crops_keep_joints_near_the_middle(cast: ProceduralCast) -> None:
    batch = PoseCrops((cast,), CPU, (128, 96)).batch(16, Draws(12, CPU))
    assert batch.images.shape == (16, 3, 128, 96)
    inside = batch.joints_px[batch.weights > 0]
    assert (inside >= -0.5).all()
    assert (inside <= torch.tensor([95.5, 127.5])).all()
    assert (batch.weights > 0).float().mean() > 0.8
    middle = (inside.mean(0) - torch.tensor([47.5, 63.5])).abs()
    assert (middle < 12).all()


def test_the_same_seed_draws_the_same_scene(cast: ProceduralCast) -> None:
    scenes = DetectorScenes((cast,), CPU, (64, 64))
    pictures = []
    for _ in range(2):
        torch.manual_seed(0)
        pictures.append(scenes.batch(4, Draws(5, CPU)).images)
    assert torch.equal(*pictures)


def test_blur_keeps_the_light() -> None:
    kernel = blur_kernels(6, Draws(1, CPU))
    torch.testing.assert_close(kernel.sum((1, 2)), torch.ones(6))
    flat = torch.full((6, 3, 20, 20), 0.4)
    torch.testing.assert_close(blurred(flat, kernel), flat)


def test_replay_gives_back_what_it_holds_and_forgets_the_oldest() -> None:
    replay = Replay(4, CPU)
    for value in range(6):
        replay.add({"images": torch.full((1, 3, 2, 2), float(value)), "mark": torch.tensor([value])})
    rows = replay.sample(64, Draws(2, CPU))
    assert len(replay) == 4
    assert set(rows["mark"].tolist()) == {2, 3, 4, 5}
    torch.testing.assert_close(rows["images"][:, 0, 0, 0], rows["mark"].float())


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate(share, 1.0) for share in (0.0, 0.03, 0.5, 1.0, 1.2)]
    assert rates[0] < 0.02
    assert rates[1] == pytest.approx(1, abs=0.01)
    assert rates[1] > rates[2] > rates[3] == rates[4] > 0


def test_the_average_follows_the_weights() -> None:
    network = torch.nn.Linear(1, 1)
    average = Average(network, 0.5)
    with torch.no_grad():
        network.weight.fill_(3.0)
    for _ in range(60):
        average.update(network)
    assert average.network.weight.item() == pytest.approx(3.0, abs=1e-4)

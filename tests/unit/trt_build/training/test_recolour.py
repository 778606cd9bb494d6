"""Pictures in other colours."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from trt_build.training.draws import Draws
from trt_build.training.recolour import colour_matrices, recoloured

pytestmark = pytest.mark.torch

CPU = torch.device("cpu")
BORDER = 114.0


def pictures(count: int) -> torch.Tensor:
    """Random colours above a border."""
    values = Draws(1, CPU).integers((count, 3, 8, 6), 256).float()
    values[:, :, 6:] = BORDER
    return values


def test_about_the_share_changes_and_the_border_stays() -> None:
    before = pictures(400)
    after = recoloured(before, 0.5, Draws(2, CPU), BORDER)
    changed = (after != before).flatten(1).any(1)
    assert 0.4 < changed.float().mean() < 0.6
    assert (after[:, :, 6:] == BORDER).all()
    assert after.min() >= 0
    assert after.max() <= 255
    torch.testing.assert_close(after, after.round())


def test_no_share_is_no_change() -> None:
    before = pictures(4)
    assert recoloured(before, 0.0, Draws(2, CPU), BORDER) is before


def test_grey_light_only_gets_a_cast() -> None:
    draws, again = Draws(3, CPU), Draws(3, CPU)
    matrices = colour_matrices(64, draws)
    grey = matrices.sum(2)
    assert (grey > 0).all()
    assert grey.std(1).max() > 0.05
    torch.testing.assert_close(matrices, colour_matrices(64, again))


def test_a_saturated_green_becomes_other_hues_too() -> None:
    green = torch.tensor([80.0, 160, 30])[:, None, None].expand(300, 3, 4, 4)
    after = recoloured(green, 1.0, Draws(4, CPU), 0.0)
    strongest = after[:, :, 0, 0].argmax(1).bincount(minlength=3)
    assert (strongest > 30).all()

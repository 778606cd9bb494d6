"""The detector's assignment and loss."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor

from trt_build.networks.yolox import anchor_grid
from trt_build.training.detector import Assignment, Truth, assign, corners, detector_loss, pairwise_iou

pytestmark = pytest.mark.torch

SIDE = 64
PERSON = (16.0, 8.0, 40.0, 56.0)
SECOND = (44.0, 40.0, 60.0, 62.0)


def truth(*boxes: tuple[float, ...], ignored: int = 0) -> Truth:
    """One picture; the last `ignored` boxes are not asked for. A place stays empty."""
    places = torch.zeros(1, len(boxes) + 1, 4)
    places[0, : len(boxes)] = torch.tensor(boxes).reshape(-1, 4)
    asked = torch.arange(len(boxes) + 1)[None] < len(boxes) - ignored
    skipped = (torch.arange(len(boxes) + 1)[None] < len(boxes)) & ~asked
    return Truth(boxes_px=places, counts=asked, ignored=skipped)


def raw_levels() -> tuple[Tensor, ...]:
    """Logits of zero: boxes of one cell, scores of a half."""
    return tuple(torch.zeros(1, 6, SIDE // s, SIDE // s, requires_grad=True) for s in (8, 16, 32))


def assignment(wanted: Truth) -> Assignment:
    cells, strides = anchor_grid((SIDE, SIDE))
    predicted = corners(torch.cat([(cells + 0.5) * strides, strides.expand(-1, 2) * 2], -1))[None]
    return assign(predicted, torch.zeros(1, len(cells), 2), wanted, (cells + 0.5) * strides, strides)


def test_iou_of_known_boxes() -> None:
    a = torch.tensor([[[0.0, 0, 2, 2]]])
    b = torch.tensor([[[1.0, 0, 3, 2], [0, 0, 2, 2], [5, 5, 6, 6]]])
    torch.testing.assert_close(pairwise_iou(a, b)[0, 0], torch.tensor([1 / 3, 1, 0]))


def test_each_person_gets_anchors_near_the_middle_and_no_other_gets_any() -> None:
    found = assignment(truth(PERSON, SECOND))
    assert found.positive.shape == (1, 84)
    owners = found.person[found.positive]
    assert set(owners.tolist()) == {0, 1}
    cells, strides = anchor_grid((SIDE, SIDE))
    middles = torch.tensor([[28.0, 32.0], [52.0, 51.0]])
    offset = (((cells + 0.5) * strides)[found.positive[0]] - middles[owners]).abs()
    assert (offset / strides[found.positive[0]] < 1.5).all()


def test_an_empty_picture_has_no_positive_anchor_and_a_finite_loss() -> None:
    assert not assignment(truth()).positive.any()
    terms = detector_loss(raw_levels(), truth(), with_l1=True)
    assert terms["box"] == 0
    assert torch.isfinite(terms["total"])


def test_ignored_people_do_not_push_objectness_down() -> None:
    levels = raw_levels()
    whole = (-16.0, -16.0, 80.0, 80.0)
    detector_loss(levels, truth(whole, ignored=1), with_l1=False)["total"].backward()
    free = raw_levels()
    detector_loss(free, truth(), with_l1=False)["total"].backward()
    assert free[2].grad is not None
    assert levels[2].grad is not None
    assert (free[2].grad[:, 4] > 0).all()
    assert levels[2].grad[:, 4].abs().sum() <= free[2].grad[:, 4].abs().sum()


def test_steps_down_the_gradient_fit_a_box() -> None:
    levels = raw_levels()
    optimiser = torch.optim.Adam(levels, lr=0.05)
    wanted = truth(PERSON)
    first = detector_loss(levels, wanted, with_l1=True)["total"].item()
    for _ in range(60):
        terms = detector_loss(levels, wanted, with_l1=True)
        optimiser.zero_grad()
        terms["total"].backward()
        optimiser.step()
    assert terms["total"].item() < 0.2 * first
    assert terms["box"].item() < 1.0


def test_who_stands_behind_another_still_gets_anchors_of_their_own() -> None:
    behind = (18.0, 6.0, 40.0, 52.0)
    found = assignment(truth(PERSON, behind))
    counts = found.person[found.positive].bincount(minlength=2)
    alone = torch.stack([assignment(truth(box)).positive.sum() for box in (PERSON, behind)])
    assert (alone - counts).max() <= 1


def test_each_of_two_who_overlap_gets_the_anchors_on_their_side() -> None:
    upper, lower = (16.0, 4.0, 40.0, 48.0), (16.0, 16.0, 40.0, 60.0)
    cells, strides = anchor_grid((SIDE, SIDE))
    between = torch.tensor([16.0, 11.0, 40.0, 56.0]).expand(1, len(cells), 4)
    centres = (cells + 0.5) * strides
    found = assign(between, torch.zeros(1, len(cells), 2), truth(upper, lower), centres, strides)
    small = found.positive[0] & (strides[:, 0] == 8)
    rows, owners = centres[small, 1], found.person[0, small]
    assert owners.tolist() == ((rows - 26).abs() > (rows - 38).abs()).int().tolist()
    assert set(owners.tolist()) == {0, 1}

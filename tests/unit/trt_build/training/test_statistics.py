"""Trainings that go on with the statistics that the served network has."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from trt_build.training.train import freeze_statistics

pytestmark = pytest.mark.torch


def network() -> nn.Sequential:
    """A convolution and its normalisation, in training."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()


def test_frozen_statistics_stay_while_weights_are_trained() -> None:
    frozen = network()
    freeze_statistics(frozen)
    before = {name: value.clone() for name, value in frozen.state_dict().items()}
    optimiser = torch.optim.SGD(frozen.parameters(), lr=0.1)
    frozen(torch.randn(2, 3, 8, 8)).square().mean().backward()
    optimiser.step()
    changed = {name for name, value in frozen.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"0.weight", "0.bias", "1.weight", "1.bias"}


def test_training_sees_what_is_served() -> None:
    frozen, pictures = network(), torch.randn(2, 3, 8, 8)
    freeze_statistics(frozen)
    torch.testing.assert_close(frozen(pictures), network().eval()(pictures))

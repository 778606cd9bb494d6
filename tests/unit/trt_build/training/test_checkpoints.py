"""Weights kept between trainings."""

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from trt_build.networks.hrnet import Hrnet
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import Yolox
from trt_build.training.checkpoints import load_weights, save_weights, widened
from trt_build.training.mean import main, mean_of

pytestmark = pytest.mark.torch


def test_a_network_comes_back_within_half_precision(tmp_path: Path) -> None:
    state = Yolox(SHIPPED_DETECTOR).state_dict()
    save_weights(state, tmp_path / "detector.npz")
    loaded = load_weights(tmp_path / "detector.npz")
    Yolox(SHIPPED_DETECTOR).load_state_dict(loaded)
    for name, value in state.items():
        assert loaded[name].dtype == value.dtype
        exact = value.ndim <= 1
        assert torch.allclose(loaded[name], value, rtol=0 if exact else 1e-3, atol=0 if exact else 1e-6), name
    assert [file.name for file in tmp_path.iterdir()] == ["detector.npz"]


def test_the_mean_of_trainings_is_that_of_each_weight(tmp_path: Path) -> None:
    files = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for value, file in zip((1.0, 4.0), files, strict=True):
        save_weights({"conv": torch.full((2, 3), value), "seen": torch.tensor(int(value))}, file)
    main([str(tmp_path / "mean.npz"), *map(str, files)])
    mean = load_weights(tmp_path / "mean.npz")
    torch.testing.assert_close(mean["conv"], torch.full((2, 3), 2.5))
    assert mean["seen"].dtype == torch.int64


def test_weights_of_other_networks_have_no_mean() -> None:
    with pytest.raises(KeyError):
        mean_of([{"conv": torch.ones(2)}, {"other": torch.ones(2)}])
    with pytest.raises(RuntimeError, match="equal size"):
        mean_of([{"conv": torch.ones(2)}, {"conv": torch.ones(3)}])


def test_a_widened_network_computes_the_same() -> None:
    small = Hrnet(replace(SHIPPED_POSE, branch_channels=(8, 16, 24, 32))).eval()
    large = Hrnet(replace(SHIPPED_POSE, branch_channels=(12, 16, 40, 48))).eval()
    large.load_state_dict(widened(small.state_dict(), large.state_dict()))
    crops = torch.randn(2, 3, 64, 32)
    with torch.no_grad():
        torch.testing.assert_close(large(crops), small(crops))


def test_a_widened_network_learns_with_its_new_channels() -> None:
    small = Hrnet(replace(SHIPPED_POSE, branch_channels=(8, 16, 24, 32)))
    large = Hrnet(replace(SHIPPED_POSE, branch_channels=(12, 16, 24, 32)))
    large.load_state_dict(widened(small.state_dict(), large.state_dict()))
    large(torch.randn(2, 3, 64, 32)).square().mean().backward()
    assert large.final_layer.weight.grad[:, 8:].abs().max() > 0

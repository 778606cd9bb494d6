"""Weights kept between trainings."""

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from trt_build.networks.shipped import SHIPPED_DETECTOR
from trt_build.networks.yolox import Yolox
from trt_build.training.checkpoints import load_weights, save_weights

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

"""What surrounds the convolutions of an exported network."""

from pathlib import Path

import onnx

from model_repository.graphs import float_head, float_tail
from tests.tiny_networks import detector_like, pose_like


def test_the_tail_is_the_last_convolution_and_what_follows(tmp_path: Path) -> None:
    assert set(float_tail(onnx.load(pose_like(tmp_path)).graph)) == {"last_conv", "sigmoid"}


def test_the_head_is_what_is_done_to_pixels(tmp_path: Path) -> None:
    assert float_head(onnx.load(pose_like(tmp_path)).graph) == ["cast", "transpose"]


def test_without_convolutions_all_is_head_and_all_is_tail(tmp_path: Path) -> None:
    graph = onnx.load(detector_like(tmp_path, 0)).graph
    assert len(float_head(graph)) == len(float_tail(graph)) == len(graph.node)

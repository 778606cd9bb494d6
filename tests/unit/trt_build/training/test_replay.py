"""Pictures kept for later steps."""

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from trt_build.training.replay import Ahead, Rows

pytestmark = pytest.mark.torch


def test_rows_drawn_ahead_are_each_given_once_and_drawn_only_when_needed() -> None:
    drawn: list[int] = []

    def draw(count: int) -> Rows:
        drawn.append(count)
        return {"images": torch.arange(count) + 100 * len(drawn)}

    ahead = Ahead(3)
    taken = [ahead.take(2, draw)["images"] for _ in range(6)]
    assert drawn == [6, 6]
    assert sorted(torch.cat(taken[:3]).tolist()) == [100, 101, 102, 103, 104, 105]
    assert sorted(torch.cat(taken[3:]).tolist()) == [200, 201, 202, 203, 204, 205]

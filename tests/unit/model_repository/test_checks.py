"""Judgements on a live server, without one."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_repository.checks import (
    canary_frames,
    canary_rows,
    differences,
    letterbox_fault,
    network_fault,
    poses_fault,
)
from model_repository.contract import (
    ModelContract,
    TensorSpec,
    committed_configs,
    contract_of,
    read_config,
)
from model_repository.glue.pixels import letterbox

CONTRACT = ModelContract(
    name="yolo",
    max_batch_size=32,
    inputs=(TensorSpec(name="images", datatype="UINT8", dims=(416, 416, 3)),),
    outputs=(TensorSpec(name="predictions", datatype="FP32", dims=(3549, 5)),),
)


@pytest.mark.parametrize("path", committed_configs().values(), ids=lambda path: path.parent.name)
def test_a_model_that_keeps_its_contract(path: Path) -> None:
    contract = contract_of(read_config(path))
    assert differences(contract, contract) == []


@pytest.mark.parametrize(
    ("changed", "phrase"),
    [
        (replace(CONTRACT, max_batch_size=0), "max_batch_size: expected 32, got 0"),
        (
            replace(CONTRACT, inputs=(replace(CONTRACT.inputs[0], datatype="FP32"),)),
            "input: expected images UINT8 [416, 416, 3], got images FP32 [416, 416, 3]",
        ),
        (
            replace(CONTRACT, outputs=(replace(CONTRACT.outputs[0], dims=(8400, 5)),)),
            "output: expected predictions FP32 [3549, 5], got predictions FP32 [8400, 5]",
        ),
        (replace(CONTRACT, outputs=()), "output: expected predictions FP32 [3549, 5], got "),
    ],
)
def test_a_model_that_breaks_its_contract(changed: ModelContract, phrase: str) -> None:
    assert differences(CONTRACT, changed) == [phrase]


def test_order_of_tensors_is_no_difference() -> None:
    both = (*CONTRACT.outputs, *CONTRACT.inputs)
    assert differences(replace(CONTRACT, outputs=both), replace(CONTRACT, outputs=both[::-1])) == []


def test_canary_rows_fit_the_network() -> None:
    rows = canary_rows(CONTRACT)
    assert rows.shape == (2, 416, 416, 3)
    assert rows.dtype == np.uint8
    assert not np.array_equal(rows[0], rows[1])


def test_a_working_network() -> None:
    assert network_fault(np.array([[0.1, 0.2], [0.3, 0.2]], np.float32)) is None


@pytest.mark.parametrize("value", [0.0, 0.7])
def test_a_blind_network(value: float) -> None:
    assert "do not reach it" in str(network_fault(np.full((2, 5), value, np.float32)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_of_values_that_are_not_finite(value: float) -> None:
    assert "not finite" in str(network_fault(np.array([[0.0], [value]], np.float32)))


def test_a_letterbox_that_reads_zeros() -> None:
    images = letterbox(canary_frames(), (416, 416))
    assert letterbox_fault(images) is None
    assert "differ" in str(letterbox_fault(letterbox(np.zeros_like(canary_frames()), (416, 416))))


@pytest.mark.parametrize(
    ("frame_index", "joints", "value", "phrase"),
    [
        ([0, 1], 26, 1.0, None),
        ([], 26, 1.0, None),
        ([0, 2], 26, 1.0, r"frames \[0, 2\], of 2"),
        ([-2], 26, 1.0, r"frames \[-2\]"),
        ([0], 17, 1.0, "17 joints, not 26"),
        ([0], 26, np.nan, "not finite"),
        ([0], 26, np.inf, "not finite"),
    ],
)
def test_poses_of_a_broken_model_are_told(
    frame_index: list[int], joints: int, value: float, phrase: str | None
) -> None:
    keypoints_px = np.full((len(frame_index), joints, 3), value, np.float32)
    fault = poses_fault(np.array(frame_index, np.int32), keypoints_px, 2, 26)
    assert re.search(phrase, fault or "") if phrase else fault is None

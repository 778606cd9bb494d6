"""Configurations for networks of other sizes. Golden texts are in tests/golden/sizes/."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ModelContractError
from model_repository.contract import committed_configs, config_text, contract_of, read_config
from model_repository.sizes import PipelineSizes, fit, fit_all

GOLDEN = Path(__file__).parents[2] / "golden" / "sizes"
CONFIGS = {name: read_config(path) for name, path in committed_configs().items()}
CONTRACTS = {name: contract_of(config) for name, config in CONFIGS.items()}
SHIPPED = PipelineSizes(detector_hw=(320, 544), crop_hw=(256, 192), joints=26)
FULL = PipelineSizes(detector_hw=(640, 640), crop_hw=(384, 288), joints=17)
"""YOLOX-s and HRNet-W48 384x288 as published."""


def test_the_committed_networks_declare_the_shipped_sizes() -> None:
    assert PipelineSizes.of(CONTRACTS["yolo"], CONTRACTS["hrnet"]) == SHIPPED


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_the_committed_configurations_fit_each_other(name: str) -> None:
    assert fit(CONFIGS[name], SHIPPED) == CONFIGS[name]


@pytest.mark.parametrize("name", sorted(CONFIGS))
def test_configurations_of_the_full_networks_are_golden(name: str) -> None:
    expected = (GOLDEN / f"{name}.pbtxt").read_text(encoding="utf-8")
    assert config_text(fit(CONFIGS[name], FULL)) == expected


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.sampled_from([17, 26]),
)
def test_sizes_survive_the_way_through_the_networks(
    detector: tuple[int, int], crop: tuple[int, int], joints: int
) -> None:
    sizes = PipelineSizes(
        detector_hw=(32 * detector[0], 32 * detector[1]), crop_hw=(4 * crop[0], 4 * crop[1]), joints=joints
    )
    configs = {name: fit(config, sizes) for name, config in CONFIGS.items()}
    assert PipelineSizes.of(contract_of(configs["yolo"]), contract_of(configs["hrnet"])) == sizes
    assert fit_all({**CONFIGS, "yolo": configs["yolo"], "hrnet": configs["hrnet"]}) == configs


def test_joints_that_no_skeleton_has_are_refused() -> None:
    with pytest.raises(ModelContractError, match=r"expected the joints of one of coco_17 \(17\), .*got 21"):
        replace(SHIPPED, joints=21)


@pytest.mark.parametrize("hw", [(416, 400), (0, 32)])
def test_a_detector_of_odd_sides_is_refused(hw: tuple[int, int]) -> None:
    with pytest.raises(ModelContractError, match="yolo: expected sides that 32 divides"):
        replace(SHIPPED, detector_hw=hw)


def test_a_network_without_the_tensor_is_refused() -> None:
    with pytest.raises(ModelContractError, match="crop: expected a tensor images of three dims, got frames"):
        PipelineSizes.of(CONTRACTS["crop"], CONTRACTS["hrnet"])

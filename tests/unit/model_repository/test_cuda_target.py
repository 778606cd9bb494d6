"""The cuda target: committed configurations, rendered. Golden texts are in tests/golden/cuda_target/."""

from pathlib import Path

import pytest

from model_repository.contract import NETWORKS, committed_configs, config_text, contract_of, read_config
from model_repository.cuda_target import CudaTarget, batches_of
from model_repository.targets import render

GOLDEN = Path(__file__).parents[2] / "golden" / "cuda_target"
TARGET = CudaTarget(gpu="NVIDIA H200", torch="2.11.0+cu130")


@pytest.mark.parametrize("name", sorted(committed_configs()))
def test_rendered_text_is_golden(name: str) -> None:
    rendered = config_text(render(read_config(committed_configs()[name]), TARGET))
    assert rendered == (GOLDEN / f"{name}.pbtxt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(committed_configs()))
def test_rendering_keeps_the_contract(name: str) -> None:
    committed = read_config(committed_configs()[name])
    assert contract_of(render(committed, TARGET)) == contract_of(committed)


@pytest.mark.parametrize("name", NETWORKS)
def test_with_engines_a_network_has_a_plan_in_place_of_packages(name: str) -> None:
    target = CudaTarget(gpu="NVIDIA L4", torch="2.11.0+cu130", engines=Path("/engines"))
    rendered = render(read_config(committed_configs()[name]), target)
    assert target.runner == "tensorrt"
    assert rendered.parameters["plan"].string_value == "model.plan"
    assert "packages" not in rendered.parameters


@pytest.mark.parametrize("name", NETWORKS)
def test_batches_are_compiled_up_to_what_the_batcher_sends(name: str) -> None:
    config = read_config(committed_configs()[name])
    batches = batches_of(config)
    assert batches[0] == 1
    assert max(batches) <= config.max_batch_size
    assert list(batches) == sorted(set(batches))

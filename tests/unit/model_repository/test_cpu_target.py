"""The cpu target: committed configurations, rendered. Golden texts are in tests/golden/cpu_target/."""

from pathlib import Path

import pytest

from model_repository.contract import committed_configs, config_text, contract_of, read_config
from model_repository.cpu_target import ROWS_PER_STEP, CpuTarget
from model_repository.targets import NETWORK_PLATFORM, render

GOLDEN = Path(__file__).parents[2] / "golden" / "cpu_target"
TARGET = CpuTarget(cores=2)


@pytest.mark.parametrize("name", sorted(committed_configs()))
def test_rendered_text_is_golden(name: str) -> None:
    rendered = config_text(render(read_config(committed_configs()[name]), TARGET))
    assert rendered == (GOLDEN / f"{name}.pbtxt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(committed_configs()))
@pytest.mark.parametrize("cores", [1, 16])
def test_rendering_keeps_the_contract(name: str, cores: int) -> None:
    committed = read_config(committed_configs()[name])
    assert contract_of(render(committed, CpuTarget(cores=cores))) == contract_of(committed)


def test_rendering_leaves_its_argument_alone() -> None:
    committed = read_config(committed_configs()["yolo"])
    before = config_text(committed)
    render(committed, TARGET)
    assert config_text(committed) == before


def test_each_network_has_one_instance_per_core() -> None:
    rendered = render(read_config(committed_configs()["hrnet"]), CpuTarget(cores=6))
    assert [group.count for group in rendered.instance_group] == [6]
    assert rendered.parameters["threads"].string_value == "1"


def test_every_network_has_its_step() -> None:
    networks = {
        name for name, path in committed_configs().items() if read_config(path).platform == NETWORK_PLATFORM
    }
    assert set(ROWS_PER_STEP) == networks

"""The repository around the engines is the one that is committed."""

from pathlib import Path

from core.networks import UNKNOWN
from model_repository.contract import (
    MODELS,
    NETWORKS,
    committed_configs,
    contract_of,
    network_digest,
    read_config,
)
from model_repository.plans import PLAN_PATH
from trt_build.engines.repository import write_repository


def test_every_model_is_there_with_its_contract_and_plans_are_left_alone(tmp_path: Path) -> None:
    plan = tmp_path / "yolo" / PLAN_PATH
    plan.parent.mkdir(parents=True)
    plan.write_bytes(b"plan")
    write_repository(None, tmp_path)
    for name, committed in committed_configs().items():
        config = read_config(tmp_path / name / "config.pbtxt")
        assert contract_of(config) == contract_of(read_config(committed))
        assert (config.platform == "tensorrt_plan") == (name in NETWORKS)
        assert (tmp_path / name / "1").is_dir()
        assert (network_digest(config) == UNKNOWN) == (name not in NETWORKS)
    assert plan.read_bytes() == b"plan"


def test_glue_gets_its_program_and_its_tensors_on_the_cpu(tmp_path: Path) -> None:
    write_repository(None, tmp_path)
    program = (tmp_path / "crop" / "1" / "model.py").read_text()
    assert program == (MODELS / "crop" / "1" / "model.py").read_text()
    assert "FORCE_CPU_ONLY_INPUT_TENSORS" not in read_config(tmp_path / "crop" / "config.pbtxt").parameters
    assert not (tmp_path / "pose_2d" / "1" / "model.py").exists()

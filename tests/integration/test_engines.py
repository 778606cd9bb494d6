"""Real engines of every network, built by TensorRT-RTX, which needs no GPU for it."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from model_repository.contract import MODELS, NETWORKS
from model_repository.plans import PLAN_PATH, BatchProfile, PlanRuntime, read_spec, refusal
from trt_build.cards import ONNX_PATH
from trt_build.engines.build import build_engines
from trt_build.engines.half import write_half
from trt_build.engines.specs import read_manifest
from trt_build.engines.tensorrt import (
    TENSORRT_RTX,
    build_plan,
    build_target,
    is_installed,
    supported_capabilities,
)

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(not is_installed(TENSORRT_RTX), reason="TensorRT-RTX is not installed"),
]
ADA = ("8.9",)
BATCHES = BatchProfile(tuned=4, largest=8)
OFFICIAL = ("yolox_nano", "yolox_s", "hrnet_w32_256x192")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines")
    assert [built.reused for built in build_engines(None, folder, ADA)] == [False, False]
    return folder


def test_every_shipped_network_has_a_plan_and_its_manifest(engines: Path) -> None:
    for network in NETWORKS:
        manifest = read_manifest(engines / network)
        assert (engines / network / PLAN_PATH).stat().st_size > 1_000_000
        assert manifest.spec.compute_capabilities == ADA
        assert manifest.precision_shift.count > 0


def test_a_plan_says_which_machine_may_run_it(engines: Path) -> None:
    spec = read_spec(engines / "yolo")
    ada = PlanRuntime(library=spec.builder, compute_capability="8.9", gpu="NVIDIA L4")
    assert refusal(spec, ada) is None
    assert refusal(spec, replace(ada, compute_capability="9.0")) is not None


def test_only_what_changed_is_built_again(engines: Path) -> None:
    plan = engines / "hrnet" / PLAN_PATH
    plan.write_bytes(plan.read_bytes()[:-1])
    assert {built.folder.name: built.reused for built in build_engines(None, engines, ADA)} == {
        "yolo": True,
        "hrnet": False,
    }


def test_a_plan_for_several_gpus_is_another_plan(engines: Path) -> None:
    capabilities = ("8.9", "12.0")
    assert set(capabilities) <= set(supported_capabilities())
    both = build_plan(MODELS / "yolo" / ONNX_PATH, BATCHES, build_target(capabilities)).plan
    assert len(both) > 1_000_000
    assert both != build_plan(MODELS / "yolo" / ONNX_PATH, BATCHES, build_target(ADA)).plan


def test_data_centre_gpus_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"got 9\.0"):
        build_target(("9.0",))


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"junk")
    with pytest.raises(ConfigurationError, match="expected a network that tensorrt-rtx takes"):
        build_plan(junk, BATCHES, build_target(ADA))


@pytest.mark.torch
@pytest.mark.parametrize("kind", OFFICIAL)
def test_official_architectures_have_plans(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from tests.golden.networks import filled
    from trt_build.export import export_detector, export_pose
    from trt_build.importers import WEIGHT_KINDS, build
    from trt_build.networks.yolox import YoloxSpec

    spec, full, half = WEIGHT_KINDS[kind].spec, tmp_path / "full.onnx", tmp_path / "half.onnx"
    network = filled(build(spec)).eval()
    if isinstance(spec, YoloxSpec):
        export_detector(network, spec, full)
    else:
        export_pose(network, spec, full)
    write_half(full, half)
    assert len(build_plan(half, BATCHES, build_target(ADA)).plan) > 1_000_000

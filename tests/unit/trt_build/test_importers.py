"""Checkpoint files in, a folder of the model repository out; wrong files name what is wrong."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import text_format

from core.errors import InvalidParameterError, WeightsError
from model_repository.contract import ModelConfig, read_config
from trt_build.cards import digests, read_card

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor

from tests.golden.networks import filled
from trt_build.importers import (
    WEIGHT_KINDS,
    build,
    import_weights,
    load_into,
    network_config,
    network_name,
    read_checkpoint,
)
from trt_build.networks.hrnet import Hrnet
from trt_build.networks.shipped import SHIPPED_POSE
from trt_build.networks.yolox import YOLOX_VARIANTS, Yolox

pytestmark = pytest.mark.torch

NANO = YOLOX_VARIANTS["yolox_nano"]


def nano_weights() -> dict[str, Tensor]:
    return dict(filled(Yolox(NANO)).state_dict())


def same(got: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return got.keys() == expected.keys() and all(torch.equal(got[key], expected[key]) for key in expected)


def prefixed(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"module.{key}": value for key, value in weights.items()}


@pytest.mark.parametrize(
    "container",
    [
        pytest.param(lambda weights: weights, id="plain"),
        pytest.param(lambda weights: {"model": weights, "start_epoch": 300, "optimizer": {}}, id="yolox"),
        pytest.param(
            lambda weights: {"model": weights, "best_ap": np.float64(0.4), "curr_ap": np.float32(0.4)},
            id="yolox with NumPy scalars",
        ),
        pytest.param(
            lambda weights: {"state_dict": prefixed({}), "best_state_dict": weights}, id="hrnet checkpoint"
        ),
        pytest.param(lambda weights: {"epoch": 24, "network": prefixed(weights)}, id="3dmppe"),
    ],
)
def test_every_official_container_is_read(
    tmp_path: Path, container: Callable[[dict[str, Tensor]], object]
) -> None:
    weights = nano_weights()
    torch.save(container(weights), tmp_path / "weights.pth")
    assert same(read_checkpoint(tmp_path / "weights.pth"), weights)


def test_half_precision_npz_loads_without_counters(tmp_path: Path) -> None:
    weights = {key: value for key, value in nano_weights().items() if not key.endswith("num_batches_tracked")}
    np.savez(tmp_path / "w.npz", **{key: value.half().numpy() for key, value in weights.items()})
    network = Yolox(NANO)
    load_into(network, read_checkpoint(tmp_path / "w.npz"), "w.npz")
    stem = "backbone.backbone.stem.conv.conv.weight"
    torch.testing.assert_close(network.state_dict()[stem], weights[stem], rtol=1e-3, atol=1e-3)
    assert network.state_dict()[stem].dtype == torch.float32


def test_import_fills_a_folder_of_the_model_repository(tmp_path: Path) -> None:
    torch.save({"model": nano_weights()}, tmp_path / "yolox_nano.pth")
    folder = tmp_path / "yolo"
    card = import_weights("yolox_nano", tmp_path / "yolox_nano.pth", folder)
    assert card == read_card(folder)
    assert read_config(folder / "config.pbtxt").name == "yolo"
    assert (card.architecture, card.input_hw, card.skeleton) == ("yolox_nano", (416, 416), None)
    assert card.sha256 == digests(folder)
    assert list(card.sha256) == ["model.onnx"]


def test_a_pose_network_brings_its_skeleton(tmp_path: Path) -> None:
    torch.save(Hrnet(SHIPPED_POSE).state_dict(), tmp_path / "small.pth")
    card = import_weights(SHIPPED_POSE.name, tmp_path / "small.pth", tmp_path / "hrnet")
    assert (card.skeleton, card.input_hw) == ("halpe_26", (256, 192))


@pytest.mark.parametrize(
    ("kind", "name", "sizes"),
    [
        ("yolox_s", "yolo", [[640, 640, 3], [8400, 5]]),
        ("yolox_nano_legacy", "yolo", [[416, 416, 3], [3549, 5]]),
        ("hrnet_w48_384x288", "hrnet", [[384, 288, 3], [17, 96, 72]]),
    ],
)
def test_a_kind_has_the_configuration_of_its_size(kind: str, name: str, sizes: list[list[int]]) -> None:
    config = text_format.Parse(network_config(WEIGHT_KINDS[kind].spec), ModelConfig())
    assert network_name(kind) == config.name == name
    assert [list(tensor.dims) for tensor in (*config.input, *config.output)] == sizes


def test_the_networks_of_all_kinds_are_described() -> None:
    assert set(WEIGHT_KINDS) >= {"yolox_nano", "yolox_x", "yolox_nano_legacy", "hrnet_w48_384x288"}
    assert isinstance(build(WEIGHT_KINDS["hrnet_w32_256x192"].spec), Hrnet)


def test_an_unknown_kind_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"yolox_nano, .*got 'yolov8'"):
        import_weights("yolov8", tmp_path / "w.pth", tmp_path)


def test_weights_of_another_variant_name_the_first_differences(tmp_path: Path) -> None:
    torch.save({"model": Yolox(YOLOX_VARIANTS["yolox_tiny"]).state_dict()}, tmp_path / "tiny.pth")
    with pytest.raises(WeightsError, match=r"tiny\.pth: expected .* of shape \(16, 12, 3, 3\), got \(24, "):
        import_weights("yolox_nano", tmp_path / "tiny.pth", tmp_path / "yolo")
    assert not (tmp_path / "yolo").exists()


def test_a_missing_key_is_named() -> None:
    weights = nano_weights()
    del weights["head.obj_preds.0.bias"]
    with pytest.raises(WeightsError, match=r"^w: expected head\.obj_preds\.0\.bias, which is missing$"):
        load_into(Yolox(NANO), weights, "w")


def test_an_unexpected_key_is_named() -> None:
    weights = nano_weights() | {"head.extra": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"^w: got head\.extra, which this network does not have$"):
        load_into(Yolox(NANO), weights, "w")


@pytest.mark.parametrize("name", ["w.pth", "w.npz"])
def test_rubbish_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(WeightsError, match=rf"^{name}: expected "):
        read_checkpoint(tmp_path / name)


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}])
def test_a_file_without_tensors_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="expected a"):
        read_checkpoint(tmp_path / "w.pth")

"""Networks against the official keys, sizes and outputs."""

from collections.abc import Callable

import numpy as np
import pytest

from core.skeletons import HALPE_26
from tests.golden.fill import compare, golden, keys_of, make_input, selfcheck

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from tests.golden.networks import filled
from trt_build.networks.hrnet import HRNET_VARIANTS, Hrnet
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import YOLOX_VARIANTS, Yolox, decode, flatten_levels

pytestmark = pytest.mark.torch

BAR = 1e-3


def parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def test_this_numpy_draws_the_stream_of_the_references() -> None:
    assert selfcheck()


@pytest.mark.parametrize(
    ("name", "count", "keys"),
    [
        ("yolox_nano", 912_159, 642),
        ("yolox_tiny", 5_055_855, 462),
        ("yolox_s", 8_968_255, 462),
        ("yolox_m", 25_326_495, 606),
    ],
)
def test_yolox_has_the_official_parameters(name: str, count: int, keys: int) -> None:
    network = Yolox(YOLOX_VARIANTS[name])
    assert (parameters(network), len(network.state_dict())) == (count, keys)


@pytest.mark.parametrize(
    ("name", "count"), [("hrnet_w32_256x192", 28_536_113), ("hrnet_w48_256x192", 63_595_745)]
)
def test_hrnet_has_the_official_parameters(name: str, count: int) -> None:
    network = Hrnet(HRNET_VARIANTS[name])
    assert (parameters(network), len(network.state_dict())) == (count, 1754)


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("yolox_nano", lambda: Yolox(YOLOX_VARIANTS["yolox_nano"])),
        ("hrnet_w32_256x192", lambda: Hrnet(HRNET_VARIANTS["hrnet_w32_256x192"])),
    ],
)
def test_keys_and_shapes_are_the_official_ones(name: str, build: Callable[[], nn.Module]) -> None:
    assert shapes(build()) == keys_of(golden(name))


@pytest.mark.parametrize("prefix", ["", "rect/"])
def test_yolox_nano_gives_the_official_outputs(prefix: str) -> None:
    reference = golden("yolox_nano")
    images = torch.from_numpy(make_input(tuple(reference[f"{prefix}input_shape"])))
    with torch.inference_mode():
        raw = flatten_levels(filled(Yolox(YOLOX_VARIANTS["yolox_nano"]))(images))
    out = decode(raw, (images.shape[2], images.shape[3])).numpy()
    columns = {"wh": out[..., 2:4], "obj": out[..., 4:5], "cls": out[..., 5:], "xy": out[..., :2], "out": out}
    assert max(compare(reference, prefix + name, value) for name, value in columns.items()) < BAR
    before_decoding = np.concatenate((raw[..., :4].numpy(), out[..., 4:]), axis=-1)
    if not prefix:
        assert compare(reference, "raw", before_decoding) < BAR


def test_yolox_decodes_as_the_official_code() -> None:
    reference = golden("post_yolox")
    official = torch.from_numpy(reference["decode_raw"])
    height, width = (int(size) * 8 for size in reference["decode_hw"][0])
    # The official head applies the sigmoid before it decodes, ours while it does.
    logits = torch.cat((official[..., :4], torch.logit(official[..., 4:].double()).float()), dim=-1)
    decoded = decode(logits, (height, width)).numpy()
    np.testing.assert_allclose(decoded, reference["decoded"], rtol=1e-4, atol=1e-4)


def test_hrnet_w32_gives_the_official_heatmaps() -> None:
    reference = golden("hrnet_w32_256x192")
    network = filled(Hrnet(HRNET_VARIANTS["hrnet_w32_256x192"]))
    branches: dict[str, torch.Tensor] = {}
    network.layer1.register_forward_hook(lambda _module, _inputs, out: branches.update(layer1=out))
    network.stage2.register_forward_hook(
        lambda _module, _inputs, outs: branches.update({f"stage2_{k}": out for k, out in enumerate(outs)})
    )
    with torch.inference_mode():
        branches["out"] = network(torch.from_numpy(make_input(tuple(reference["input_shape"]))))
    errors = {name: compare(reference, name, value.numpy()) for name, value in branches.items()}
    assert max(errors.values()) < BAR
    assert set(errors) == {"layer1", "stage2_0", "stage2_1", "out"}


def test_the_shipped_networks_are_small_and_have_the_joints_of_their_skeleton() -> None:
    detector, pose = Yolox(SHIPPED_DETECTOR), Hrnet(SHIPPED_POSE)
    assert parameters(detector) < 1_000_000
    # 12 MB of float32 in all.
    assert parameters(detector) + parameters(pose) <= 3_000_000
    assert len(HALPE_26.joints) == SHIPPED_POSE.joints
    with torch.inference_mode():
        height, width = SHIPPED_POSE.input_hw
        heatmaps = pose.eval()(torch.zeros(2, 3, height, width))
        raw = flatten_levels(detector.eval()(torch.zeros(1, 3, *SHIPPED_DETECTOR.input_hw)))
    assert heatmaps.shape == (2, 26, *SHIPPED_POSE.heatmap_hw)
    assert raw.shape == (1, SHIPPED_DETECTOR.anchors, 6)


def test_the_prior_sets_the_score_of_a_fresh_detector() -> None:
    network = Yolox(SHIPPED_DETECTOR).eval()
    network.head.set_prior(0.01)
    for predictor in (*network.head.obj_preds, *network.head.cls_preds):
        np.testing.assert_allclose(torch.sigmoid(predictor.bias).detach().numpy(), 0.01, rtol=1e-5)

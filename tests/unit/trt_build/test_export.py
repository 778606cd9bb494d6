"""ONNX files against the torch networks they came from, through their adapters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from tests.golden.fill import golden, make_image

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch

from tests.golden.networks import filled
from trt_build.export import (
    IMAGENET_MEAN,
    IMAGENET_PIXELS,
    IMAGENET_STD,
    OFFICIAL_YOLOX_PIXELS,
    DetectorGraph,
    PixelInput,
    PixelScale,
    export_detector,
    export_pose,
    fold_focus,
    fold_scale,
)
from trt_build.networks.hrnet import Hrnet
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import YOLOX_VARIANTS, Focus, Yolox, YoloxSpec, decode, flatten_levels

pytestmark = pytest.mark.torch

NANO = YOLOX_VARIANTS["yolox_nano"]


def pixels(count: int, input_hw: tuple[int, int]) -> NDArray[np.uint8]:
    return np.stack([make_image(*input_hw, seed=seed) for seed in range(count)])


def first_output(path: Path, name: str, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    output: NDArray[np.float32] = session.run(None, {name: batch})[0]
    return output


def sane(network: Yolox) -> Yolox:
    """Official outputs want inputs of order one; here they are pixels, so the stem divides."""
    with torch.no_grad():
        filled(network).backbone.backbone.stem.conv.bn.get_buffer("running_var").mul_(100**2)
    return network


def imagenet(batch: NDArray[np.uint8]) -> torch.Tensor:
    scaled = (torch.from_numpy(batch).float() / 255 - torch.tensor(IMAGENET_MEAN)) / torch.tensor(
        IMAGENET_STD
    )
    return scaled.permute(0, 3, 1, 2)


def bgr(batch: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(batch[..., ::-1].copy()).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize(
    ("spec", "scale", "official_input"),
    [
        (SHIPPED_DETECTOR, OFFICIAL_YOLOX_PIXELS, bgr),
        (NANO, IMAGENET_PIXELS, imagenet),
    ],
    ids=["shipped", "legacy"],
)
def test_the_detector_file_equals_torch(
    tmp_path: Path, spec: YoloxSpec, scale: PixelScale, official_input: Callable[..., torch.Tensor]
) -> None:
    network = sane(Yolox(spec)) if scale.bgr else filled(Yolox(spec))
    batch = pixels(3, spec.input_hw)
    export_detector(network, spec, tmp_path / "model.onnx", scale)
    got = first_output(tmp_path / "model.onnx", "images", batch)
    with torch.inference_mode():
        out = decode(flatten_levels(network(official_input(batch))), spec.input_hw).numpy()
    expected = np.concatenate((out[..., :4], out[..., 4:5] * out[..., 5:6]), axis=-1)
    assert got.shape == (3, spec.anchors, 5)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-4)


def test_the_pose_file_equals_torch(tmp_path: Path) -> None:
    network = filled(Hrnet(SHIPPED_POSE))
    batch = pixels(2, SHIPPED_POSE.input_hw)
    export_pose(network, SHIPPED_POSE, tmp_path / "model.onnx")
    with torch.inference_mode():
        expected = network(imagenet(batch)).numpy()
    np.testing.assert_allclose(first_output(tmp_path / "model.onnx", "crops", batch), expected, atol=1e-4)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Yolox, Path]:
    """The shipped detector in training mode, and its file."""
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    network = filled(Yolox(SHIPPED_DETECTOR)).train()
    export_detector(network, SHIPPED_DETECTOR, path)
    return network, path


def test_the_file_declares_the_contract(exported: tuple[Yolox, Path]) -> None:
    graph = onnx.load(exported[1]).graph
    sizes = {
        each.name: [dim.dim_param or dim.dim_value for dim in each.type.tensor_type.shape.dim]
        for each in (*graph.input, *graph.output)
    }
    assert sizes == {"images": ["N", 320, 544, 3], "predictions": ["N", 3570, 5]}
    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert not {"BatchNormalization", "Shape", "Gather"} & {node.op_type for node in graph.node}


def test_export_leaves_the_network_as_it_was(exported: tuple[Yolox, Path]) -> None:
    network = exported[0]
    expected, state = filled(Yolox(SHIPPED_DETECTOR)).state_dict(), network.state_dict()
    assert list(expected) == list(state)
    assert all(torch.equal(expected[key], state[key]) for key in expected)
    assert network.training


def test_focus_is_a_6x6_convolution() -> None:
    focus = filled(Focus(8))
    images = torch.rand(1, 3, 20, 24)
    expected = focus.conv.conv(
        torch.cat([images[..., row::2, column::2] for column in (0, 1) for row in (0, 1)], dim=1)
    )
    torch.testing.assert_close(fold_focus(focus)(images), expected)


@pytest.mark.parametrize("scale", [IMAGENET_PIXELS, OFFICIAL_YOLOX_PIXELS, PixelScale()])
def test_folding_is_exact_at_the_border(scale: PixelScale) -> None:
    conv = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
    batch = torch.from_numpy(pixels(1, (12, 10)))
    normalised = (batch.float() - torch.tensor(scale.mean)) / torch.tensor(scale.std)
    expected = conv((normalised.flip(-1) if scale.bgr else normalised).permute(0, 3, 1, 2))
    fold_scale(conv, scale)
    torch.testing.assert_close(conv(PixelInput(scale)(batch)), expected, rtol=1e-4, atol=1e-3)


def test_the_legacy_scale_is_the_official_one() -> None:
    """`pre1_legacy_samples` is what the official ValTransform(legacy=True) gives for picture 1."""
    reference = golden("post_yolox")
    letterboxed = reference["pre1_chw_uint8"]
    rgb = letterboxed[::-1].transpose(1, 2, 0).astype(np.float64)
    normalised = (rgb - IMAGENET_PIXELS.mean) / IMAGENET_PIXELS.std
    got = normalised.transpose(2, 0, 1).ravel()[reference["pre1_legacy_samples_index"]]
    np.testing.assert_allclose(got, reference["pre1_legacy_samples"], atol=1e-5)


def test_only_the_person_class_leaves_the_graph() -> None:
    network = sane(Yolox(NANO))
    graph = DetectorGraph(network, NANO, OFFICIAL_YOLOX_PIXELS)
    batch = torch.from_numpy(pixels(1, NANO.input_hw))
    with torch.inference_mode():
        before = graph(batch)
        for predictor in graph.network.head.cls_preds:
            predictor.get_parameter("weight")[1:] = 0.0
        after = graph(batch)
    torch.testing.assert_close(before, after)

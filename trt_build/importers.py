"""Checkpoint files as their authors publish them -> our networks -> a folder of the model repository."""

import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import InvalidParameterError, WeightsError
from core.skeletons import SKELETONS
from model_repository.contract import NETWORKS, committed_configs, config_text, contract_of, read_config
from model_repository.sizes import PipelineSizes, fit
from trt_build.cards import VERSION, NetworkCard, digests, write_card
from trt_build.export import (
    IMAGENET_PIXELS,
    OFFICIAL_YOLOX_PIXELS,
    PixelScale,
    export_detector,
    export_pose,
)
from trt_build.networks.hrnet import HRNET_VARIANTS, Hrnet, HrnetSpec
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import YOLOX_VARIANTS, Yolox, YoloxSpec

CONTAINERS = ("model", "best_state_dict", "state_dict", "network")
"""Where official files keep their weights: YOLOX, HRNet's checkpoint.pth (two), 3DMPPE. A released HRNet file
is a plain state_dict."""

_SCALAR: Callable[..., object] = vars(np.core.multiarray)["scalar"]
_NUMPY_SCALARS: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    np.dtype,
    type(np.dtype(np.float64)),
    type(np.dtype(np.float32)),
]
"""Safe to unpickle: YOLOX files may keep `best_ap` as a scalar of NumPy 1 or 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightKind:
    """What a user may name: an architecture and what its published weights want to see."""

    spec: YoloxSpec | HrnetSpec
    scale: PixelScale
    trained_on: str = "COCO"


WEIGHT_KINDS: dict[str, WeightKind] = {
    **{name: WeightKind(spec=spec, scale=OFFICIAL_YOLOX_PIXELS) for name, spec in YOLOX_VARIANTS.items()},
    **{
        f"{name}_legacy": WeightKind(spec=spec, scale=IMAGENET_PIXELS)
        for name, spec in YOLOX_VARIANTS.items()
    },
    **{name: WeightKind(spec=spec, scale=IMAGENET_PIXELS) for name, spec in HRNET_VARIANTS.items()},
    SHIPPED_DETECTOR.name: WeightKind(
        spec=SHIPPED_DETECTOR, scale=OFFICIAL_YOLOX_PIXELS, trained_on="rendered athletes"
    ),
    SHIPPED_POSE.name: WeightKind(spec=SHIPPED_POSE, scale=IMAGENET_PIXELS, trained_on="rendered athletes"),
}
"""`_legacy`: YOLOX release 0.0.1 (July 2021), which wants RGB with ImageNet's mean and std."""

SKELETON_OF_JOINTS = {len(skeleton.joints): name for name, skeleton in SKELETONS.items()}


def import_weights(kind: str, file: Path, out_dir: Path) -> NetworkCard:
    """Turn a published checkpoint into `1/model.onnx`, `network.json` and `config.pbtxt` of `out_dir`.

    `out_dir` is a network's folder, named as `network_name` says. Raises InvalidParameterError for an unknown
    kind and WeightsError for a file that does not hold that kind.
    """
    known = _known(kind)
    write_network(known.spec, known.scale, read_checkpoint(file), file.name, out_dir)
    card = NetworkCard(
        architecture=known.spec.name,
        input_hw=known.spec.input_hw,
        skeleton=SKELETON_OF_JOINTS[known.spec.joints] if isinstance(known.spec, HrnetSpec) else None,
        trained_on=known.trained_on,
        sha256=digests(out_dir),
    )
    write_card(out_dir, card)
    return card


def write_network(
    spec: YoloxSpec | HrnetSpec,
    scale: PixelScale,
    weights: Mapping[str, Tensor] | None,
    origin: str,
    out_dir: Path,
) -> None:
    """Write `1/model.onnx` and `config.pbtxt` of a network with these weights, or with fresh ones.

    Raises WeightsError, which names their `origin`, for those of another network.
    """
    network = build(spec)
    if weights is not None:
        load_into(network, weights, origin)
    target = out_dir / VERSION / "model.onnx"
    if isinstance(network, Yolox) and isinstance(spec, YoloxSpec):
        export_detector(network, spec, target, scale)
    elif isinstance(network, Hrnet) and isinstance(spec, HrnetSpec):
        export_pose(network, spec, target, scale)
    (out_dir / "config.pbtxt").write_text(network_config(spec), encoding="utf-8")


def network_name(kind: str) -> str:
    """The model whose place a kind takes: `yolo` or `hrnet`. Raises InvalidParameterError."""
    return _name_of(_known(kind).spec)


def network_config(spec: YoloxSpec | HrnetSpec) -> str:
    """The committed config.pbtxt of a specification's model, with the dims of the specification."""
    configs = {name: read_config(path) for name, path in committed_configs().items()}
    committed = PipelineSizes.of(*(contract_of(configs[name]) for name in NETWORKS))
    own = (
        replace(committed, detector_hw=spec.input_hw)
        if isinstance(spec, YoloxSpec)
        else replace(committed, crop_hw=spec.input_hw, joints=spec.joints)
    )
    return config_text(fit(configs[_name_of(spec)], own))


def _known(kind: str) -> WeightKind:
    if kind not in WEIGHT_KINDS:
        raise InvalidParameterError(f"expected a kind out of {', '.join(WEIGHT_KINDS)}, got {kind!r}")
    return WEIGHT_KINDS[kind]


def _name_of(spec: YoloxSpec | HrnetSpec) -> str:
    detector, pose = NETWORKS
    return detector if isinstance(spec, YoloxSpec) else pose


def build(spec: YoloxSpec | HrnetSpec) -> Yolox | Hrnet:
    """The network of a specification, with fresh weights."""
    return Yolox(spec) if isinstance(spec, YoloxSpec) else Hrnet(spec)


def read_checkpoint(file: Path) -> dict[str, Tensor]:
    """The state_dict of a .pth/.pth.tar file (containers and `module.` prefixes removed) or of an .npz."""
    entries = _read_npz(file) if file.suffix == ".npz" else _read_torch(file)
    for container in CONTAINERS:
        inner = entries.get(container)
        if isinstance(inner, Mapping):
            entries = inner
            break
    tensors = {_plain(key): value for key, value in entries.items() if isinstance(value, Tensor)}
    if not tensors:
        found = ", ".join(map(str, list(entries)[:5])) or "nothing"
        raise WeightsError(f"{file.name}: expected a state_dict of tensors, got {found}")
    return tensors


def _plain(key: str) -> str:
    return key.removeprefix("module.")


def _read_npz(file: Path) -> Mapping[str, object]:
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {key: torch.from_numpy(arrays[key]) for key in arrays.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{file.name}: expected an npz of arrays, got {error}") from error


def _read_torch(file: Path) -> Mapping[str, object]:
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            loaded = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]
        raise WeightsError(f"{file.name}: expected a PyTorch checkpoint, got {reason}") from error
    if not isinstance(loaded, Mapping):
        raise WeightsError(f"{file.name}: expected a dictionary, got {type(loaded).__name__}")
    return loaded


def load_into(network: nn.Module, weights: Mapping[str, Tensor], origin: str) -> None:
    """Load `weights` strictly; only num_batches_tracked may be missing. `origin` names them in the error."""
    expected = network.state_dict()
    given = {
        key: value.to(expected[key].dtype) if key in expected else value for key, value in weights.items()
    }
    counters = {key: value for key, value in expected.items() if key.endswith("num_batches_tracked")}
    problems = key_differences(expected, counters | given)
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise WeightsError(f"{origin}: {'; '.join(problems[:3])}{more}")
    network.load_state_dict(given)


def key_differences(expected: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> list[str]:
    """What keeps `got` from being loaded, a line each: missing, unexpected, wrong shape."""
    missing = [f"expected {key}, which is missing" for key in expected if key not in got]
    unexpected = [f"got {key}, which this network does not have" for key in got if key not in expected]
    shapes = [
        f"expected {key} of shape {tuple(value.shape)}, got {tuple(got[key].shape)}"
        for key, value in expected.items()
        if key in got and got[key].shape != value.shape
    ]
    return [*shapes, *missing, *unexpected]

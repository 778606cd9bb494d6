"""The full-size networks of the GPU measurement as a folder for `marey up --models`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trt_build.export import export_detector, export_pose
from trt_build.importers import build, load_into, network_config, read_checkpoint
from trt_build.networks.hrnet import HRNET_VARIANTS, HrnetSpec
from trt_build.networks.yolox import YOLOX_VARIANTS, YoloxSpec

Floats = NDArray[np.float32]
RANDOM = "random"
"""In place of a file: fresh weights, for dry runs. They detect nothing."""


def write_models(detector: str, pose: str, into: Path) -> None:
    """YOLOX-s at 640 and HRNet-W32 at 256x192 from state dicts (.npz or .pth), or `random`."""
    _write_detector(detector, into / "yolo")
    _write_pose(pose, into / "hrnet")


def _write_detector(weights: str, folder: Path) -> None:
    state = _state(weights)
    classes = len(state["head.cls_preds.0.weight"]) if state else 1
    spec: YoloxSpec = replace(YOLOX_VARIANTS["yolox_s"], num_classes=classes)
    network = build(spec)
    if state:
        load_into(network, state, weights)
    export_detector(network, spec, folder / "1" / "model.onnx")
    (folder / "config.pbtxt").write_text(network_config(spec), encoding="utf-8")


def _write_pose(weights: str, folder: Path) -> None:
    state = _state(weights)
    joints = len(state["final_layer.weight"]) if state else 26
    spec: HrnetSpec = replace(HRNET_VARIANTS["hrnet_w32_256x192"], joints=joints)
    network = build(spec)
    if state:
        load_into(network, state, weights)
    export_pose(network, spec, folder / "1" / "model.onnx")
    (folder / "config.pbtxt").write_text(network_config(spec), encoding="utf-8")


def _state(weights: str) -> dict[str, torch.Tensor]:
    if weights == RANDOM:
        torch.manual_seed(0)
        return {}
    return read_checkpoint(Path(weights))


def random_predictions(frames: int, anchors: int) -> Floats:
    """One person in the middle of each 1080p frame, for networks that detect nothing."""
    rows = np.zeros((frames, anchors, 5), np.float32)
    rows[:, 0] = (320, 180, 80, 240, 0.9)
    return rows

"""The full-size networks of the GPU measurement as a folder for `marey up --models`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trt_build.export import IMAGENET_PIXELS, OFFICIAL_YOLOX_PIXELS
from trt_build.importers import read_checkpoint, write_network
from trt_build.networks.hrnet import HRNET_VARIANTS
from trt_build.networks.yolox import YOLOX_VARIANTS

Floats = NDArray[np.float32]
RANDOM = "random"
"""In place of a file: fresh weights, for dry runs. They detect nothing."""


def write_models(detector: str, pose: str, into: Path) -> None:
    """YOLOX-s at 640 and HRNet-W32 at 256x192 from state dicts (.npz or .pth), or `random`."""
    weights = _weights(detector)
    classes = len(weights["head.cls_preds.0.weight"]) if weights else 1
    detector_spec = replace(YOLOX_VARIANTS["yolox_s"], num_classes=classes)
    write_network(detector_spec, OFFICIAL_YOLOX_PIXELS, weights, detector, into / "yolo")
    weights = _weights(pose)
    joints = len(weights["final_layer.weight"]) if weights else 26
    pose_spec = replace(HRNET_VARIANTS["hrnet_w32_256x192"], joints=joints)
    write_network(pose_spec, IMAGENET_PIXELS, weights, pose, into / "hrnet")


def _weights(origin: str) -> dict[str, torch.Tensor] | None:
    if origin == RANDOM:
        torch.manual_seed(0)
        return None
    return read_checkpoint(Path(origin))


def random_predictions(frames: int, anchors: int) -> Floats:
    """One person in the middle of each 1080p frame, for networks that detect nothing."""
    rows = np.zeros((frames, anchors, 5), np.float32)
    rows[:, 0] = (320, 180, 80, 240, 0.9)
    return rows

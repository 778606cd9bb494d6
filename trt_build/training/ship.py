"""Put trained weights into the model repository: ONNX, int8 ONNX, the card with their digests."""

import argparse
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.skeletons import HALPE_26
from trt_build.cards import VERSION, NetworkCard, digests, write_card
from trt_build.export import export_detector, export_pose
from trt_build.networks.hrnet import Hrnet
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import Yolox
from trt_build.quantise import Shift, box_shift, joint_shift, quantise
from trt_build.training.checkpoints import load_weights
from trt_build.training.crops import PoseCrops
from trt_build.training.draws import Draws
from trt_build.training.procedural_cast import ProceduralCast
from trt_build.training.scenes import DetectorScenes

FOLDERS = {"detector": "yolo", "pose": "hrnet"}
BATCH = 16
CALIBRATION_BATCHES = 12
CALIBRATION_SEED, CHECK_SEED = 9001, 9002
ATHLETES = 256
ATHLETES_SEED = 9000

Pixels = NDArray[np.uint8]

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, write the files, say how far int8 moves the answers."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=sorted(FOLDERS))
    parser.add_argument("weights", type=Path, help="the .npz file that training wrote")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    parser.add_argument("--trained-on", required=True, help="a sentence for network.json")
    parser.add_argument("--int8", action="store_true", help="also write model.int8.onnx")
    options = parser.parse_args(arguments)
    folder = options.repository / FOLDERS[options.network]
    target = folder / VERSION / "model.onnx"
    export(options.network, options.weights, target)
    quantised = target.with_name("model.int8.onnx")
    quantised.unlink(missing_ok=True)
    if options.int8:
        quantise(target, quantised, pixels(options.network, CALIBRATION_SEED))
        log.info("int8 moves %s by %s", options.network, shift(options.network, target, quantised))
    write_card(folder, card(options.network, folder, options.trained_on))


def export(network: str, weights: Path, target: Path) -> None:
    """Write the ONNX file of `weights`. Raises RuntimeError where they are another network's."""
    state = load_weights(weights)
    if network == "detector":
        detector = Yolox(SHIPPED_DETECTOR)
        detector.load_state_dict(state)
        export_detector(detector.eval(), SHIPPED_DETECTOR, target)
    else:
        pose = Hrnet(SHIPPED_POSE)
        pose.load_state_dict(state)
        export_pose(pose.eval(), SHIPPED_POSE, target)


def pixels(network: str, seed: int) -> Iterator[Pixels]:
    """Batches [BATCH, H, W, 3] of what the network will see, drawn from procedural athletes."""
    device = torch.device("cpu")
    cast = ProceduralCast(ATHLETES, ATHLETES_SEED, device)
    draws = Draws(seed, device)
    source = DetectorScenes((cast,), device) if network == "detector" else PoseCrops((cast,), device)
    for _ in range(CALIBRATION_BATCHES):
        yield as_pixels(source.batch(BATCH, draws).images)


def as_pixels(images: Tensor) -> Pixels:
    """Pictures [N, 3, H, W] of whole numbers as UINT8 [N, H, W, 3]."""
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).to(torch.uint8).numpy())


def shift(network: str, reference: Path, other: Path) -> Shift:
    """How far boxes or joints move, on pictures other than those of the calibration."""
    measure = box_shift if network == "detector" else joint_shift
    return measure(reference, other, pixels(network, CHECK_SEED))


def card(network: str, folder: Path, trained_on: str) -> NetworkCard:
    """The card of the files now in `folder`."""
    spec = SHIPPED_DETECTOR if network == "detector" else SHIPPED_POSE
    return NetworkCard(
        architecture=spec.name,
        input_hw=spec.input_hw,
        trained_on=trained_on,
        sha256=digests(folder),
        skeleton=None if network == "detector" else HALPE_26.name,
    )


if __name__ == "__main__":
    main()

"""How far int8 moves what a shipped network finds: `python -m trt_build.training.int8_shift pose`.

Calibrated and checked on people drawn for the occasion.
"""

import argparse
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trt_build.networks.shipped import SHIPPED_DETECTOR
from trt_build.quantise import quantise
from trt_build.shifts import Shift, box_shift, joint_shift
from trt_build.training.crops import PoseCrops
from trt_build.training.draws import Draws
from trt_build.training.procedural_cast import ProceduralCast
from trt_build.training.scenes import DetectorScenes
from trt_build.training.ship import FOLDERS

BATCH = 16
CALIBRATION_BATCHES = 12
CALIBRATION_SEED, CHECK_SEED = 9001, 9002
ATHLETES = 256
ATHLETES_SEED = 9000

Pixels = NDArray[np.uint8]

log = logging.getLogger(__name__)


def main() -> None:
    """Parse the command line and print the shift, in network pixels."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=sorted(FOLDERS))
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    options = parser.parse_args()
    source = options.repository / FOLDERS[options.network] / "1" / "model.onnx"
    found = shift(options.network, source)
    log.info("int8 moves %d points by %.2f px on average, 95 %% by %.2f px at most", *astuple(found))


def shift(network: str, source: Path) -> Shift:
    """How far boxes or joints of `source` move, on pictures other than those of the calibration."""
    measure = box_shift if network == "detector" else joint_shift
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        quantise(source, target, pixels(network, CALIBRATION_SEED))
        return measure(source, target, pixels(network, CHECK_SEED))


def pixels(network: str, seed: int) -> Iterator[Pixels]:
    """Batches [BATCH, H, W, 3] of what the network will see, drawn from procedural athletes."""
    device = torch.device("cpu")
    cast = ProceduralCast(ATHLETES, ATHLETES_SEED, device)
    draws = Draws(seed, device)
    source = (
        DetectorScenes((cast,), device, SHIPPED_DETECTOR.input_hw)
        if network == "detector"
        else PoseCrops((cast,), device)
    )
    for _ in range(CALIBRATION_BATCHES):
        yield as_pixels(source.batch(BATCH, draws).images)


def as_pixels(images: Tensor) -> Pixels:
    """Pictures [N, 3, H, W] of whole numbers as UINT8 [N, H, W, 3]."""
    return np.ascontiguousarray(images.permute(0, 2, 3, 1).to(torch.uint8).numpy())


if __name__ == "__main__":
    main()

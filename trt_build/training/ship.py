"""Put trained weights into the model repository: ONNX and the card with its digest."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from core.skeletons import HALPE_26
from trt_build.cards import VERSION, NetworkCard, digests, write_card
from trt_build.export import export_detector, export_pose
from trt_build.networks.hrnet import Hrnet
from trt_build.networks.shipped import SHIPPED_DETECTOR, SHIPPED_POSE
from trt_build.networks.yolox import Yolox
from trt_build.training.checkpoints import load_weights

FOLDERS = {"detector": "yolo", "pose": "hrnet"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=sorted(FOLDERS))
    parser.add_argument("weights", type=Path, help="the .npz file that training wrote")
    parser.add_argument("--repository", type=Path, default=Path("model_repository"))
    parser.add_argument("--trained-on", required=True, help="a sentence for network.json")
    options = parser.parse_args(arguments)
    folder = options.repository / FOLDERS[options.network]
    export(options.network, options.weights, folder / VERSION / "model.onnx")
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

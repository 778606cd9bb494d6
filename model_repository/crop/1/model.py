"""Triton model `crop`: detections -> one crop per person."""

from __future__ import annotations

import json

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from model_repository.glue.between import DETECTED
from model_repository.glue.boxes import DetectionLimits
from model_repository.glue.devices import Array, device_of
from model_repository.glue.people import PeopleCropper
from model_repository.glue.pulse import Pulse
from model_repository.glue.shells import respond


class TritonPythonModel:
    """Shell over `glue.people.PeopleCropper`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read limits and the crop's size from the committed configuration."""
        config = json.loads(args["model_config"])
        setting = {name: value["string_value"] for name, value in config["parameters"].items()}
        outputs = {output["name"]: output for output in config["output"]}
        height, width = map(int, outputs["crops"]["dims"][1:3])
        self._cropper = PeopleCropper(
            crop_hw=(height, width),
            frames_max=int(setting["frames_per_request_max"]),
            limits=DetectionLimits(
                score_min=float(setting["score_min"]),
                iou_max=float(setting["iou_max"]),
                people_max=int(setting["people_per_frame_max"]),
            ),
            device=device_of(args),
        )
        self._pulse = Pulse()

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        with self._pulse:
            return [respond(request, self._run, DETECTED) for request in requests]

    def _run(
        self, frames: Array, scales: NDArray[np.float32], predictions: Array, detected: str | None = None
    ) -> dict[str, Array]:
        crops, boxes, frame_index = self._cropper.cut(frames, scales, predictions, detected)
        return {"crops": crops, "boxes": boxes, "frame_index": frame_index}

"""Triton model `letterbox`: frames -> the detector's input."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from model_repository.glue import boxes, pixels
from model_repository.glue.shells import respond


class TritonPythonModel:
    """Shell over `glue.pixels.letterbox`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the detector's input size from the committed output shape."""
        cv2.setNumThreads(1)
        outputs = {output["name"]: output for output in json.loads(args["model_config"])["output"]}
        height, width = map(int, outputs["images"]["dims"][1:3])
        self._network_hw = height, width

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        return [respond(request, self._run) for request in requests]

    def _run(self, frames: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        _, height, width, _ = frames.shape
        scale = boxes.letterbox_scale((height, width), self._network_hw)
        return {
            "images": pixels.letterbox(frames, self._network_hw),
            "scales": np.full(len(frames), scale, dtype=np.float32),
        }

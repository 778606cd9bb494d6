"""Triton model `letterbox`: frames -> the detector's input."""

from __future__ import annotations

import json

import numpy as np
import triton_python_backend_utils as pb_utils

from model_repository.glue import boxes
from model_repository.glue.between import DETECTED, detected_places
from model_repository.glue.devices import Array, device_of
from model_repository.glue.pulse import Pulse
from model_repository.glue.shells import respond


class TritonPythonModel:
    """Shell over a device's `letterbox`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the detector's input size from the committed output shape."""
        self._device = device_of(args)
        outputs = {output["name"]: output for output in json.loads(args["model_config"])["output"]}
        height, width = map(int, outputs["images"]["dims"][1:3])
        self._network_hw = height, width
        self._pulse = Pulse()

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        with self._pulse:
            return [respond(request, self._run, DETECTED) for request in requests]

    def _run(self, frames: Array, detected: str | None = None) -> dict[str, Array]:
        if detected is not None:
            frames = frames[detected_places(detected, len(frames))]
        _, height, width, _ = frames.shape
        scale = boxes.letterbox_scale((height, width), self._network_hw)
        return {
            "images": self._device.letterbox(frames, self._network_hw),
            "scales": np.full(len(frames), scale, dtype=np.float32),
        }

"""Triton model `keypoints`: heatmaps -> joints in picture pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from model_repository.glue.devices import Array, device_of
from model_repository.glue.heatmaps import joints_of
from model_repository.glue.pulse import Pulse
from model_repository.glue.shells import respond


class TritonPythonModel:
    """Shell over `glue.heatmaps`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Find the instance's device."""
        self._device = device_of(args)
        self._pulse = Pulse()

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        with self._pulse:
            return [respond(request, self._run) for request in requests]

    def _run(self, heatmaps: Array, boxes: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        return {"keypoints": joints_of(self._device.read_peaks(heatmaps), boxes)}

"""Triton model `keypoints`: heatmaps -> joints in picture pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from model_repository.glue.heatmaps import decode_joints
from model_repository.glue.shells import respond


class TritonPythonModel:
    """Shell over `glue.heatmaps.decode_joints`."""

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        return [respond(request, self._run) for request in requests]

    def _run(self, heatmaps: NDArray[np.float32], boxes: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        return {"keypoints": decode_joints(heatmaps, boxes)}

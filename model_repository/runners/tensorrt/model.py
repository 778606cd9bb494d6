"""Triton model that runs a network's TensorRT plan; target `cuda` with engines puts it behind its name."""

from __future__ import annotations

import triton_python_backend_utils as pb_utils

from model_repository.glue.pulse import Pulse
from model_repository.runners.gpu_rows import ModelPlace, respond_all
from model_repository.runners.tensorrt.engine import open_engine


class TritonPythonModel:
    """Shell over `Engine`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the plan that the rendered configuration names, by its manifest in the model's folder."""
        self._place = place = ModelPlace.of(args)
        self._network = open_engine(place.folder.parent, place.folder / place.setting["plan"], place.device)
        self._pulse = Pulse()

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        with self._pulse:
            return respond_all(self._network, self._place, requests)

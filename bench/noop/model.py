"""Triton model that stands for an ensemble in measurements: one fixed person per frame, after a set time."""

from __future__ import annotations

import json
import time

import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Computes nothing; `answer_s` of its configuration is how long it takes for that."""

    def initialize(self, args: dict[str, str]) -> None:
        """Read the number of joints and the time to take."""
        config = json.loads(args["model_config"])
        self._answer_s = float(config["parameters"]["answer_s"]["string_value"])
        outputs = {output["name"]: output for output in config["output"]}
        self._keypoints = np.ones((1, *map(int, outputs["keypoints"]["dims"][1:])), np.float32)

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        time.sleep(self._answer_s * len(requests))
        return [self._answer(request) for request in requests]

    def _answer(self, request: pb_utils.InferenceRequest) -> pb_utils.InferenceResponse:
        count = pb_utils.get_input_tensor_by_name(request, "frames").shape()[0]
        outputs = {
            "frame_index": np.arange(count, dtype=np.int32),
            "boxes": np.tile(np.array([[8, 8, 40, 56, 0.9]], np.float32), (count, 1)),
            "keypoints": np.repeat(self._keypoints, count, axis=0),
        }
        return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in outputs.items()])

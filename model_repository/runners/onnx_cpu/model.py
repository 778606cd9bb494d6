"""Triton model that runs a network's ONNX file on the CPU; target `cpu` puts it behind the network's name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from model_repository.glue.pulse import Pulse
from model_repository.runners.onnx_cpu.session import open_session


class TritonPythonModel:
    """Runs all requests that the dynamic batcher hands over as one array, in steps of a fast size."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the file that the rendered configuration names, from the version's directory."""
        config = json.loads(args["model_config"])
        setting = {name: value["string_value"] for name, value in config["parameters"].items()}
        self._input_name = config["input"][0]["name"]
        self._output_name = config["output"][0]["name"]
        folder = Path(args["model_repository"]) / args["model_version"]
        self._step = int(setting["rows_per_step"])
        self._session = open_session(folder / setting["model_file"], int(setting["threads"]))
        self._pulse = Pulse()

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        with self._pulse:
            inputs = [
                pb_utils.get_input_tensor_by_name(request, self._input_name).as_numpy()
                for request in requests
            ]
            rows = inputs[0] if len(inputs) == 1 else np.concatenate(inputs)
            outputs = self._run(rows)
            ends = np.cumsum([len(array) for array in inputs])[:-1]
            return [self._response(part) for part in np.split(outputs, ends)]

    def _run(self, rows: NDArray[np.uint8]) -> NDArray[np.float32]:
        parts = [self._session(rows[at : at + self._step]) for at in range(0, len(rows), self._step)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _response(self, rows: NDArray[np.float32]) -> pb_utils.InferenceResponse:
        return pb_utils.InferenceResponse([pb_utils.Tensor(self._output_name, rows)])

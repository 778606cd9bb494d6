"""Triton model that runs a compiled network on the GPU; target `cuda` puts it behind the network's name."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import triton_python_backend_utils as pb_utils

from model_repository.glue.shells import read_array, write_array
from model_repository.runners.torch_cuda.graphs import GraphedNetwork
from model_repository.runners.torch_cuda.packages import open_package


class TritonPythonModel:
    """Runs all requests that the dynamic batcher hands over as one array."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the packages that the rendered configuration names, from the version's directory."""
        config = json.loads(args["model_config"])
        setting = {name: value["string_value"] for name, value in config["parameters"].items()}
        self._input, self._output = config["input"][0]["name"], config["output"][0]["name"]
        self._device = torch.device("cuda", int(args["model_instance_device_id"]))
        torch.cuda.set_device(self._device)
        folder = Path(args["model_repository"]) / args["model_version"] / setting["packages"]
        batches = [int(batch) for batch in setting["batches"].split()]
        row = tuple(int(size) for size in config["input"][0]["dims"])
        packages = {batch: open_package(folder, batch) for batch in batches}
        self._network = GraphedNetwork(packages, row, self._device)

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        inputs = [read_array(pb_utils.get_input_tensor_by_name(each, self._input)) for each in requests]
        arrays = [torch.as_tensor(array, device=self._device) for array in inputs]
        outputs = self._network(arrays[0] if len(arrays) == 1 else torch.cat(arrays))
        parts = outputs.split([len(array) for array in arrays])
        return [pb_utils.InferenceResponse([write_array(self._output, part)]) for part in parts]

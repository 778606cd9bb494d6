"""Triton model that runs a compiled network on the GPU; target `cuda` puts it behind the network's name."""

from __future__ import annotations

import time

import triton_python_backend_utils as pb_utils

from model_repository.glue.pulse import Pulse
from model_repository.runners.gpu_rows import ModelPlace, respond_all
from model_repository.runners.torch_cuda.graphs import GraphedNetwork
from model_repository.runners.torch_cuda.packages import open_package


class TritonPythonModel:
    """Shell over `GraphedNetwork`."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the packages that the rendered configuration names, from the version's directory."""
        self._place = place = ModelPlace.of(args)
        folder = place.folder / place.setting["packages"]
        start_s = time.monotonic()
        packages = {
            int(batch): open_package(folder, int(batch)) for batch in place.setting["batches"].split()
        }
        loaded_s = time.monotonic()
        self._network = GraphedNetwork(packages, place.row, place.device)
        pb_utils.Logger.log_info(
            f"{args['model_name']}: {len(packages)} batch sizes loaded in {loaded_s - start_s:.1f} s, "
            f"recorded in {time.monotonic() - loaded_s:.1f} s"
        )
        self._pulse = Pulse()

    def execute(self, requests: list[pb_utils.InferenceRequest]) -> list[pb_utils.InferenceResponse]:
        """One response per request."""
        with self._pulse:
            return respond_all(self._network, self._place, requests)

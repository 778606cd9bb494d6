"""What the runners on a GPU share: the requests of a batch as one array, one response for each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import triton_python_backend_utils as pb_utils
from torch import Tensor

from model_repository.glue.shells import read_array, write_array

Network = Callable[[Tensor], Tensor]
"""Rows UINT8 [N, ...] on the GPU -> rows FP32 [N, ...] there; N >= 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPlace:
    """What Triton tells a network's instance at its start."""

    config: Mapping[str, Any]
    setting: Mapping[str, str]
    """The rendered parameters."""
    folder: Path
    """Of the model's version."""
    device: torch.device

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> ModelPlace:
        """By the arguments of `initialize`; makes the instance's GPU the process's."""
        device = torch.device("cuda", int(arguments["model_instance_device_id"]))
        torch.cuda.set_device(device)
        config = json.loads(arguments["model_config"])
        return cls(
            config=config,
            setting={name: value["string_value"] for name, value in config["parameters"].items()},
            folder=Path(arguments["model_repository"]) / arguments["model_version"],
            device=device,
        )

    @property
    def row(self) -> tuple[int, ...]:
        """Shape of one row of the input."""
        return tuple(int(size) for size in self.config["input"][0]["dims"])


def respond_all(
    network: Network, place: ModelPlace, requests: list[pb_utils.InferenceRequest]
) -> list[pb_utils.InferenceResponse]:
    """Run all requests that the dynamic batcher hands over as one array."""
    name, output = place.config["input"][0]["name"], place.config["output"][0]["name"]
    arrays = [
        torch.as_tensor(read_array(pb_utils.get_input_tensor_by_name(each, name)), device=place.device)
        for each in requests
    ]
    outputs = network(arrays[0] if len(arrays) == 1 else torch.cat(arrays))
    parts = outputs.split([len(array) for array in arrays])
    return [pb_utils.InferenceResponse([write_array(output, part)]) for part in parts]

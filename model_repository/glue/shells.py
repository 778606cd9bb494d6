"""What all glue models share: a request's tensors by name -> a pure function -> a response."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

Array = Any
"""Of NumPy in the CPU's memory, of PyTorch in a GPU's."""
GlueFunction = Callable[..., dict[str, Array]]
"""Takes the model's inputs by name, returns its outputs by name."""


def respond(
    request: pb_utils.InferenceRequest, function: GlueFunction, *parameters: str
) -> pb_utils.InferenceResponse:
    """Run `function` on one request; a ValueError is the request's own fault and becomes its answer.

    It gets those of the request's parameters that are named here, too; Triton hands on an ensemble's.
    """
    given = json.loads(request.parameters() or "{}") if parameters else {}
    inputs = {tensor.name(): read_array(tensor) for tensor in request.inputs()}
    try:
        outputs = function(**inputs, **{name: given[name] for name in parameters if name in given})
    except ValueError as error:
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
    return pb_utils.InferenceResponse([write_array(name, array) for name, array in outputs.items()])


def read_array(tensor: pb_utils.Tensor) -> Array:
    """A tensor where it lies, without a copy."""
    if tensor.is_cpu():
        return tensor.as_numpy()
    import torch

    return torch.from_dlpack(tensor.to_dlpack())


def write_array(name: str, array: Array) -> pb_utils.Tensor:
    """A tensor of an array where it lies; Triton takes C order alone, and convolutions like channels last."""
    if isinstance(array, np.ndarray):
        return pb_utils.Tensor(name, array)
    return pb_utils.Tensor.from_dlpack(name, array.contiguous())

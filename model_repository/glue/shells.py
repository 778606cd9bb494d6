"""What all glue models share: a request's tensors by name -> a pure function -> a response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

GlueFunction = Callable[..., dict[str, NDArray[Any]]]
"""Takes the model's inputs by name, returns its outputs by name."""


def respond(request: pb_utils.InferenceRequest, function: GlueFunction) -> pb_utils.InferenceResponse:
    """Run `function` on one request; a ValueError is the request's own fault and becomes its answer."""
    inputs = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
    try:
        outputs = function(**inputs)
    except ValueError as error:
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
    return pb_utils.InferenceResponse([pb_utils.Tensor(name, array) for name, array in outputs.items()])

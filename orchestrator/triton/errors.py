"""What Triton's client raises, as our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from grpc.aio import UsageError
from tritonclient.utils import InferenceServerException

from core.errors import (
    InferenceError,
    InferenceRefusedError,
    InferenceUnavailableError,
)

_NEVER_BEGUN = (
    "Unable to find shared memory region",
    "has no available versions",
    "failed to connect",
    "Failed to connect",
)
_DEAD_STUB = "is not healthy"
_FULL = "StatusCode.RESOURCE_EXHAUSTED"
_BROKEN_OFF = {"StatusCode.UNAVAILABLE", "StatusCode.CANCELLED"}


@contextmanager
def triton_errors(
    what: str,
    on_timeout: type[InferenceError] = InferenceUnavailableError,
    on_loss: type[InferenceError] = InferenceUnavailableError,
) -> Iterator[None]:
    """Foreign errors become ours. A lost region means a restarted server, models without versions one that
    stops, and without a connection nothing was begun: worth another try. A broken connection or a dead stub
    may be the request's doing."""
    try:
        yield
    except UsageError as error:
        raise InferenceUnavailableError(f"Triton, {what}: the client was closed") from error
    except InferenceServerException as error:
        message = f"Triton, {what}: {error.message()}"
        if any(sign in message for sign in _NEVER_BEGUN) or error.status() == _FULL:
            raise InferenceUnavailableError(message) from error
        if _DEAD_STUB in message or error.status() in _BROKEN_OFF:
            raise on_loss(message) from error
        if error.status() == "StatusCode.DEADLINE_EXCEEDED":
            raise on_timeout(message) from error
        if error.status() == "StatusCode.INVALID_ARGUMENT":
            raise InferenceRefusedError(message) from error
        raise InferenceError(message) from error

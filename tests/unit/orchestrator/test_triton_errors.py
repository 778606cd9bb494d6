"""What Triton says becomes one of our errors: only what is the request's fault may use up attempts."""

import pytest
from tritonclient.utils import InferenceServerException

from core.errors import (
    InferenceError,
    InferenceLostError,
    InferenceRefusedError,
    InferenceTimeoutError,
    InferenceUnavailableError,
)
from orchestrator.triton import triton_errors


@pytest.mark.parametrize(
    ("message", "status", "error"),
    [
        ("failed to connect to all addresses", "StatusCode.UNAVAILABLE", InferenceUnavailableError),
        ("Exceeds maximum queue size", "StatusCode.RESOURCE_EXHAUSTED", InferenceUnavailableError),
        ("Unable to find shared memory region: 'a'", "StatusCode.NOT_FOUND", InferenceUnavailableError),
        ("Stub process 'yolo_0_0' is not healthy.", "StatusCode.INTERNAL", InferenceLostError),
        ("Socket closed", "StatusCode.UNAVAILABLE", InferenceLostError),
        ("recvmsg:Connection reset by peer", "StatusCode.UNAVAILABLE", InferenceLostError),
        (
            "Request for unknown model: 'pose_2d' has no available versions",
            "StatusCode.UNAVAILABLE",
            InferenceUnavailableError,
        ),
        (
            "Request for unknown model: 'pose_2d' has no available versions",
            "StatusCode.INVALID_ARGUMENT",
            InferenceUnavailableError,
        ),
        ("Deadline Exceeded", "StatusCode.DEADLINE_EXCEEDED", InferenceTimeoutError),
        ("unexpected shape for input", "StatusCode.INVALID_ARGUMENT", InferenceRefusedError),
        ("something else", "StatusCode.INTERNAL", InferenceError),
    ],
)
def test_foreign_errors_become_ours(message: str, status: str, error: type[InferenceError]) -> None:
    with (
        pytest.raises(InferenceError) as raised,
        triton_errors("pose_2d", on_timeout=InferenceTimeoutError, on_loss=InferenceLostError),
    ):
        raise InferenceServerException(message, status)
    assert type(raised.value) is error


def test_a_question_that_computes_nothing_is_not_to_blame() -> None:
    with pytest.raises(InferenceUnavailableError), triton_errors("server"):
        raise InferenceServerException("Socket closed", "StatusCode.UNAVAILABLE")

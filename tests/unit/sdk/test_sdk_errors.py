"""The client's errors mirror the server's codes."""

import pytest
from marey.errors import MareyApiError, Problem, ServerError, api_error

from api.errors import FRAMEWORK_CODES, status_of
from core.errors import LimitError, MareyError, RequestError, ServiceError, leaves

FAMILIES = {"server", "inference"}
"""Classes of the client that stand for several codes."""
IN_JOBS = {
    "lease_lost",
    "worker_lost",
    "unforeseen",
    "mixed_networks",
    "killing_frame",
    "killing_video",
    "suspect_waits",
}
"""Codes of a task that a job or a video tells about; no request ends with them."""


def codes_of_requests() -> set[str]:
    """Codes that end a request; those of packages and videos arrive as data of a job."""
    ends = [*leaves(RequestError), *leaves(LimitError), *leaves(ServiceError)]
    return {leaf.code for leaf in ends} - IN_JOBS | set(FRAMEWORK_CODES.values())


def test_every_code_of_the_server_has_a_class_and_no_class_is_left_over() -> None:
    assert set(MareyApiError.known) - FAMILIES == codes_of_requests()


@pytest.mark.parametrize("leaf", leaves(ServiceError), ids=lambda leaf: leaf.code)
def test_failures_of_the_server_are_server_errors(leaf: type[MareyError]) -> None:
    error = api_error(Problem(status=status_of(leaf), code=leaf.code, detail=""))
    assert isinstance(error, ServerError)


def test_an_unknown_code_is_still_an_api_error() -> None:
    error = api_error(Problem(status=418, code="teapot", detail="I am a teapot", request_id="r1"))
    assert type(error) is MareyApiError
    assert (error.status, error.code, error.detail, error.request_id) == (
        418,
        "teapot",
        "I am a teapot",
        "r1",
    )
    assert str(error) == "I am a teapot [teapot]"

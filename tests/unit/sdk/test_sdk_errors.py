"""The client's errors mirror the server's codes."""

import pytest
from marey.errors import MareyApiError, Problem, ServerError, api_error

from api.errors import FRAMEWORK_CODES, status_of
from core.errors import MareyError, RequestError, ServiceError, leaves


def codes_of_requests() -> list[str]:
    """Codes that refuse a request; those of packages and videos arrive as data."""
    refusals = [leaf.code for leaf in leaves(RequestError)]
    return [*refusals, *sorted(FRAMEWORK_CODES.values()), "not_ready"]


@pytest.mark.parametrize("code", codes_of_requests())
def test_every_code_of_the_server_has_a_class(code: str) -> None:
    assert code in MareyApiError.known


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

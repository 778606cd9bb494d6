"""Errors as gRPC statuses."""

from http import HTTPStatus

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from api.errors import STATUSES, status_of
from api.rpc.errors import STATUS_CODES, Refusal, failure, refusal_of
from core.errors import MareyError, NotFoundError, RateLimitedError, StoreError, leaves

OF_OURS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNAVAILABLE}


def details(refusal: Refusal) -> tuple[ErrorInfo, RetryInfo | None]:
    said = Status.FromString(bytes(dict(refusal.metadata)["grpc-status-details-bin"]))  # type: ignore[arg-type]
    assert (said.code, said.message) == (refusal.status.value[0], refusal.message)
    info, retry = ErrorInfo(), RetryInfo()
    assert said.details[0].Unpack(info)
    return info, retry if any(detail.Unpack(retry) for detail in said.details) else None


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.code)
def test_every_leaf_has_a_status_and_its_code(leaf: type[MareyError]) -> None:
    refusal = refusal_of(leaf(), "id")
    info, retry = details(refusal)
    assert (info.domain, info.reason) == ("marey", leaf.code.upper())
    assert (refusal.status in OF_OURS) == (status_of(leaf) >= 500)
    assert (retry is not None) == (status_of(leaf) in {429, 503})


def test_every_status_of_rest_has_a_word() -> None:
    assert set(STATUS_CODES) == {*STATUSES.values(), HTTPStatus.INTERNAL_SERVER_ERROR}


def test_what_failed_inside_is_not_told() -> None:
    assert refusal_of(StoreError("password=secret"), "id").message == "Postgres failed."
    assert refusal_of(NotFoundError("there is no job 7"), "id").message == "there is no job 7"
    assert details(failure("id"))[0].reason == "INTERNAL"


def test_a_wait_is_in_whole_seconds() -> None:
    _, retry = details(refusal_of(RateLimitedError(retry_after_s=0.2), "id"))
    assert retry is not None
    assert retry.retry_delay.seconds == 1

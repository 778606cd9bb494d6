"""Errors -> gRPC statuses, by way of their HTTP status: one table says what kind an error is."""

import math
from dataclasses import dataclass
from http import HTTPStatus

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from api.errors import FRAMEWORK_CODES, RETRY_LATER, status_of, told
from core.errors import MareyError

REQUEST_ID = "x-request-id"
"""Metadata, in and out."""
_DETAILS = "grpc-status-details-bin"
_DOMAIN = "marey"

STATUS_CODES = {
    HTTPStatus.BAD_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: grpc.StatusCode.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED,
    HTTPStatus.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    HTTPStatus.CONFLICT: grpc.StatusCode.FAILED_PRECONDITION,
    HTTPStatus.PRECONDITION_FAILED: grpc.StatusCode.ABORTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.UNPROCESSABLE_ENTITY: grpc.StatusCode.INVALID_ARGUMENT,
    HTTPStatus.PRECONDITION_REQUIRED: grpc.StatusCode.FAILED_PRECONDITION,
    HTTPStatus.TOO_MANY_REQUESTS: grpc.StatusCode.RESOURCE_EXHAUSTED,
    HTTPStatus.INTERNAL_SERVER_ERROR: grpc.StatusCode.INTERNAL,
    HTTPStatus.SERVICE_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
}
"""gRPC's word for each status that `api.errors` knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """How a call ends that is not answered."""

    status: grpc.StatusCode
    message: str
    metadata: tuple[tuple[str, str | bytes], ...]
    """Trailing: the request's id, and google.rpc.Status with ErrorInfo, RequestInfo and perhaps RetryInfo."""


def refusal_of(error: MareyError, request_id: str) -> Refusal:
    """The end of a call that met an error of ours."""
    status = status_of(type(error))
    again = [_retry_info(error.retry_after_s)] if status in RETRY_LATER else []
    return _refusal(STATUS_CODES[status], told(error), error.code, request_id, again)


def failure(request_id: str) -> Refusal:
    """The end of a call that met a defect of the server."""
    code = FRAMEWORK_CODES[HTTPStatus.INTERNAL_SERVER_ERROR]
    return _refusal(grpc.StatusCode.INTERNAL, "The server failed.", code, request_id, [])


def _refusal(
    status: grpc.StatusCode, message: str, code: str, request_id: str, more: list[Message]
) -> Refusal:
    details = [
        ErrorInfo(domain=_DOMAIN, reason=code.upper()), RequestInfo(request_id=request_id), *more,
    ]  # fmt: skip
    number: int = status.value[0]
    said = Status(code=number, message=message, details=[_packed(detail) for detail in details])
    metadata = ((REQUEST_ID, request_id), (_DETAILS, said.SerializeToString()))
    return Refusal(status=status, message=message, metadata=metadata)


def _packed(detail: Message) -> Any:
    packed = Any()
    packed.Pack(detail)
    return packed


def _retry_info(wait_s: float) -> RetryInfo:
    return RetryInfo(retry_delay=Duration(seconds=max(1, math.ceil(wait_s))))

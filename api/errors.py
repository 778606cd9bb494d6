"""Errors -> RFC 9457 problem bodies: the only place that knows the HTTP status of an error."""

import logging
import math
import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from api.requests import request_id_of
from core.errors import (
    ArchiveError,
    ClusterNotAllowedError,
    ConfigurationError,
    ConflictError,
    EntryError,
    ForbiddenError,
    IdempotencyKeyReusedError,
    InvalidLinkError,
    InvalidParameterError,
    InvalidUploadTokenError,
    LastAdministratorError,
    LeaseLostError,
    LimitError,
    LinkExpiredError,
    MareyError,
    MediaError,
    NotFoundError,
    PreconditionFailedError,
    PreconditionRequiredError,
    ServiceError,
    UnauthenticatedError,
    UploadError,
    UploadExpiredError,
    UploadIncompleteError,
    UploadTooLargeError,
    UploadUsedError,
)
from orchestrator.refusals import refusal_of

PROBLEM_JSON = "application/problem+json"
STATUSES: dict[type[MareyError], HTTPStatus] = {
    ArchiveError: HTTPStatus.UNPROCESSABLE_ENTITY,
    EntryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    MediaError: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidParameterError: HTTPStatus.BAD_REQUEST,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
    LastAdministratorError: HTTPStatus.CONFLICT,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    ClusterNotAllowedError: HTTPStatus.FORBIDDEN,
    InvalidLinkError: HTTPStatus.FORBIDDEN,
    LinkExpiredError: HTTPStatus.FORBIDDEN,
    PreconditionRequiredError: HTTPStatus.PRECONDITION_REQUIRED,
    PreconditionFailedError: HTTPStatus.PRECONDITION_FAILED,
    IdempotencyKeyReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UploadError: HTTPStatus.CONFLICT,
    InvalidUploadTokenError: HTTPStatus.FORBIDDEN,
    UploadExpiredError: HTTPStatus.FORBIDDEN,
    UploadUsedError: HTTPStatus.CONFLICT,
    UploadTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UploadIncompleteError: HTTPStatus.BAD_REQUEST,
    LimitError: HTTPStatus.TOO_MANY_REQUESTS,
    ServiceError: HTTPStatus.SERVICE_UNAVAILABLE,
    LeaseLostError: HTTPStatus.INTERNAL_SERVER_ERROR,
    ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Status of an error, or of the family it belongs to (the nearest class wins)."""
RETRY_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""Answers that say when to ask again."""
FRAMEWORK_CODES = {
    HTTPStatus.BAD_REQUEST: "invalid_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "request_too_large",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal",
}
"""Codes of what the framework itself refuses."""

logger = logging.getLogger(__name__)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details with a stable `code`."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str


def status_of(error_type: type[MareyError]) -> HTTPStatus:
    """The status of the nearest class of the error's line that the table has, else 500."""
    line = (STATUSES[base] for base in error_type.__mro__ if base in STATUSES)
    return next(line, HTTPStatus.INTERNAL_SERVER_ERROR)


def is_ours(error: MareyError) -> bool:
    """Whether the server failed, not whoever asked."""
    return status_of(type(error)) >= HTTPStatus.INTERNAL_SERVER_ERROR


def told(error: MareyError) -> str:
    """What whoever asked is told of an error: nothing of what went wrong inside the server."""
    return type(error).__doc__ or error.code if is_ours(error) else str(error)


def on_marey_error(request: Request[Any, Any, Any], error: MareyError) -> Response[Problem]:
    """An error of ours. What went wrong inside the server is logged, not told."""
    status = status_of(type(error))
    if is_ours(error):
        _log_failure(request, error)
    response = _problem(request, status, error.code, told(error))
    if status in RETRY_LATER:
        response.set_header("Retry-After", retry_after(error.retry_after_s))
    return response


def retry_after(wait_s: float) -> str:
    """The header's value: whole seconds, at least one."""
    return str(max(1, math.ceil(wait_s)))


def on_http_exception(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """A request that the framework refused."""
    status = HTTPStatus(error.status_code)
    code = FRAMEWORK_CODES.get(status, re.sub(r"\W+", "_", status.phrase).lower())
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log_failure(request, error)
        return _problem(request, status, code, "The server failed.")
    response = _problem(request, status, code, _detail(request, error))
    for name, value in (error.headers or {}).items():
        response.set_header(name, value)
    return response


def on_recursion(request: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    """Nothing recurses here but the decoder of bodies."""
    status = HTTPStatus.BAD_REQUEST
    return _problem(request, status, FRAMEWORK_CODES[status], "expected a flatter body, got deep nesting")


def on_unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A defect of the server."""
    _log_failure(request, error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _problem(request, status, FRAMEWORK_CODES[status], "The server failed.")


def _detail(request: Request[Any, Any, Any], error: HTTPException) -> str:
    """The framework's sentence; for a wrong id in the path, what was expected and what came."""
    if not isinstance(error, ValidationException) or not isinstance(error.extra, list):
        return error.detail
    signature = msgspec.structs.fields(request.route_handler.signature_model)
    kinds = {field.name: field.type for field in signature}
    wrong = [refusal_of(value, kinds[name], name) for name, value in request.path_params.items()]
    return "; ".join(filter(None, wrong)) or error.detail


def _problem(
    request: Request[Any, Any, Any], status: HTTPStatus, code: str, detail: str
) -> Response[Problem]:
    body = Problem(
        title=status.phrase,
        status=status.value,
        detail=detail,
        code=code,
        request_id=request_id_of(request.scope),
    )
    challenge = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    return Response(body, status_code=status.value, media_type=PROBLEM_JSON, headers=challenge)


def _log_failure(request: Request[Any, Any, Any], error: Exception) -> None:
    logger.error(
        "request failed",
        exc_info=error,
        extra={"action": "request_failed", "request_id": request_id_of(request.scope)},
    )

"""Every error of the client, one tree.

MareyError
├── NoEndpointError           no server is configured and none runs here
├── CannotConnectError        nothing answers at the endpoint
├── ConnectionLostError       the connection broke, or the answer could not be read
├── LocalFileError            a file on this machine cannot be read or written
│   └── PackingError          the files given cannot be packed and sent
├── MissingDependencyError    a package that this needs is not installed
├── JobTimeoutError           the job did not end in time; it goes on at the server
├── JobFailedError            the job ended without what was asked for
└── MareyApiError             the server refused or failed the request; `code` says why
    ├── InvalidParameterError, InvalidRequestError, NotFoundError, MethodNotAllowedError, ConflictError,
    │   LastAdministratorError, RequestTooLargeError, UnauthenticatedError, ForbiddenError,
    │   PreconditionRequiredError, PreconditionFailedError, IdempotencyKeyReusedError, InvalidLinkError,
    │   LinkExpiredError
    ├── InvalidUploadTokenError, UploadExpiredError, UploadUsedError, UploadTooLargeError,
    │   UploadIncompleteError
    ├── RateLimitedError, QuotaExceededError
    └── ServerError
        └── StoreError, BusError, ObjectStoreError, InferenceError, InferenceUnavailableError,
            InferenceTimeoutError, InferenceRefusedError, InferenceLostError, NotReadyError, StorageFullError,
            InternalError

Codes this version does not know arrive as a plain MareyApiError.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


class MareyError(Exception):
    """Something failed between this program and Marey."""


class NoEndpointError(MareyError):
    """No server is configured and none runs here."""


class CannotConnectError(MareyError):
    """Nothing answers at the endpoint."""


class ConnectionLostError(MareyError):
    """The connection broke, or the answer could not be read."""


class LocalFileError(MareyError):
    """A file on this machine cannot be read or written."""


class PackingError(LocalFileError):
    """The files given cannot be packed and sent."""


class MissingDependencyError(MareyError):
    """A package that this needs is not installed."""


class JobTimeoutError(MareyError):
    """The job did not end in time; it goes on at the server."""


class JobFailedError(MareyError):
    """The job ended without what was asked for."""

    def __init__(self, sentence: str, job_id: int) -> None:
        super().__init__(sentence)
        self.job_id = job_id


@dataclass(frozen=True)
class Problem:
    """What the server said (RFC 9457)."""

    status: int
    code: str
    detail: str
    request_id: str | None = None
    retry_after_s: float | None = None
    """When the server takes the request, as far as it knows."""


class MareyApiError(MareyError):
    """The server refused or failed the request."""

    known: dict[str, type[MareyApiError]] = {}  # noqa: RUF012 (filled by the subclasses)

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.detail} [{problem.code}]")
        self.problem = problem

    def __init_subclass__(cls) -> None:
        words = re.findall(r"[A-Z][a-z0-9]*", cls.__name__.removesuffix("Error"))
        MareyApiError.known["_".join(words).lower()] = cls

    @property
    def code(self) -> str:
        """Stable name of the error."""
        return self.problem.code

    @property
    def status(self) -> int:
        """HTTP status."""
        return self.problem.status

    @property
    def detail(self) -> str:
        """One sentence for people."""
        return self.problem.detail

    @property
    def request_id(self) -> str | None:
        """Finds the request in the server's logs."""
        return self.problem.request_id


class InvalidParameterError(MareyApiError):
    """A parameter has a value that is not allowed."""


class InvalidRequestError(MareyApiError):
    """The request is not one the server understands."""


class NotFoundError(MareyApiError):
    """There is no such object."""


class MethodNotAllowedError(MareyApiError):
    """The address does not take this method."""


class ConflictError(MareyApiError):
    """The object is not in a state that allows this."""


class LastAdministratorError(MareyApiError):
    """This would end the last key of an administrator, and nobody could make another: make one first."""


class RequestTooLargeError(MareyApiError):
    """The body of the request is larger than allowed."""


class UnauthenticatedError(MareyApiError):
    """The request needs an API key that is known and not revoked."""


class ForbiddenError(MareyApiError):
    """The request needs the key of an administrator."""


class ClusterNotAllowedError(MareyApiError):
    """The project's cluster is not among the Triton servers that the operator allows."""


class InvalidLinkError(MareyApiError):
    """The download's address was not issued by this server."""


class LinkExpiredError(MareyApiError):
    """The download's address has expired: list the results again."""


class PreconditionRequiredError(MareyApiError):
    """The change needs the ETag of the object as it was read."""


class PreconditionFailedError(MareyApiError):
    """The object has changed since it was read."""


class IdempotencyKeyReusedError(MareyApiError):
    """The idempotency key was used before, for another request."""


class InvalidUploadTokenError(MareyApiError):
    """The upload's address was not issued by this server."""


class UploadExpiredError(MareyApiError):
    """The upload's address has expired."""


class UploadUsedError(MareyApiError):
    """The upload's address was used before."""


class UploadTooLargeError(MareyApiError):
    """The upload is larger than allowed."""


class UploadIncompleteError(MareyApiError):
    """The upload stopped before its end."""


class RateLimitedError(MareyApiError):
    """The project starts new work too fast."""


class QuotaExceededError(MareyApiError):
    """The project has as much work under way as it may have."""


class ServerError(MareyApiError):
    """A part of the server failed; repeating may help."""


class StoreError(ServerError):
    """The database failed."""


class BusError(ServerError):
    """The message bus failed."""


class ObjectStoreError(ServerError):
    """The object store failed."""


class InferenceError(ServerError):
    """Inference failed."""


class InferenceUnavailableError(ServerError):
    """Inference does not answer."""


class InferenceTimeoutError(ServerError):
    """Inference did not answer in time."""


class InferenceRefusedError(ServerError):
    """Inference takes the request for wrong."""


class InferenceLostError(ServerError):
    """Inference ended while it worked on the request."""


class NotReadyError(ServerError):
    """A service that the server needs does not answer."""


class StorageFullError(ServerError):
    """The server has no room for packages and results."""


class InternalError(ServerError):
    """The server has a defect."""


def api_error(problem: Problem) -> MareyApiError:
    """The most specific error for what the server said."""
    fallback = ServerError if problem.status >= 500 else MareyApiError
    return MareyApiError.known.get(problem.code, fallback)(problem)

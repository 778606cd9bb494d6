"""Every error that Marey reports to its users, one tree.

MareyError
├── InputError                what the user sent cannot be processed; repeating it changes nothing
│   ├── ArchiveError          the package as a whole
│   │   ├── NotAZipError, EmptyArchiveError, NoVideoError
│   │   └── TooManyEntriesError, ArchiveTooLargeError, SuspiciousRatioError
│   ├── EntryError            one file of a package; the others go on
│   │   └── UnsafeNameError, SymlinkError, DuplicateNameError, EncryptedEntryError, NestedArchiveError,
│   │       CorruptEntryError
│   ├── MediaError            one video; the others go on
│   │   ├── UnsupportedContainerError, NoVideoStreamError, NoFramesError
│   │   └── CorruptVideoError, UnsupportedCodecError, FrameTooLargeError, VideoTooLongError
│   └── RequestError          an API request or a setting
│       ├── InvalidParameterError, NotFoundError, ConflictError, LastAdministratorError
│       ├── UnauthenticatedError, ForbiddenError, ClusterNotAllowedError, InvalidLinkError, LinkExpiredError
│       ├── PreconditionRequiredError, PreconditionFailedError, IdempotencyKeyReusedError
│       └── UploadError       the package did not arrive
│           └── InvalidUploadTokenError, UploadExpiredError, UploadUsedError, UploadTooLargeError,
│               UploadIncompleteError
├── LimitError                the project has what it may have for now (`retry_after_s`)
│   └── RateLimitedError, QuotaExceededError
├── ServiceError              a part of the system did not do its work; repeating may help (`retryable`)
│   ├── StoreError, BusError, ObjectStoreError
│   ├── InferenceError        Triton refused or failed a request
│   │   ├── InferenceUnavailableError, InferenceTimeoutError, InferenceRefusedError, InferenceLostError
│   │   ├── KillingFrameError, KillingVideoError
│   │   └── MixedNetworksError
│   ├── LeaseLostError        another worker has taken this task over
│   ├── SuspectWaitsError     another run that may have ended Triton is tried
│   └── NotReadyError, StorageFullError, WorkerLostError, UnforeseenError
└── ConfigurationError        this installation cannot run as it is; the message says what to do
    └── ModelContractError, WeightsError, NumpyVersionError, PortTakenError, DirectoryTakenError,
        ServiceDiedError

The class docstring is the default message. `code` is stable: clients may compare it.
"""

import re


class MareyError(Exception):
    """Something failed in Marey."""

    retryable = False
    retry_after_s = 0.0
    """When whoever sent the request may send it again; 0: never as it is."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__ or self.code)

    def __init_subclass__(cls) -> None:
        words = re.findall(r"[A-Z][a-z0-9]*", cls.__name__.removesuffix("Error"))
        cls.code = "_".join(words).lower()

    code = "marey"
    """Stable snake-case name: the class name without `Error`."""


class InputError(MareyError):
    """The input cannot be processed."""


class ArchiveError(InputError):
    """The package cannot be read."""


class NotAZipError(ArchiveError):
    """The package is not a zip file."""


class EmptyArchiveError(ArchiveError):
    """The package has no files."""


class NoVideoError(ArchiveError):
    """The package has no video."""


class TooManyEntriesError(ArchiveError):
    """The package has too many entries."""


class ArchiveTooLargeError(ArchiveError):
    """The package unpacks to more bytes than allowed."""


class SuspiciousRatioError(ArchiveError):
    """The package unpacks to suspiciously many times its size."""


class EntryError(InputError):
    """A file of the package was refused."""


class UnsafeNameError(EntryError):
    """The name of the file leaves the package's folder."""


class SymlinkError(EntryError):
    """The entry is a link, not a file."""


class DuplicateNameError(EntryError):
    """The name occurs twice in the package."""


class EncryptedEntryError(EntryError):
    """The file is encrypted."""


class NestedArchiveError(EntryError):
    """The file is itself an archive."""


class CorruptEntryError(EntryError):
    """The file does not unpack: its compressed data are damaged."""


class MediaError(InputError):
    """The video cannot be processed."""


class UnsupportedContainerError(MediaError):
    """The file is not a video of a supported container (mov/mp4, matroska/webm, avi, mpegts)."""


class NoVideoStreamError(MediaError):
    """The file has no video stream."""


class NoFramesError(MediaError):
    """The video has no frames."""


class CorruptVideoError(MediaError):
    """The video is damaged."""


class UnsupportedCodecError(MediaError):
    """The video's codec is not supported."""


class FrameTooLargeError(MediaError):
    """The video's frames are larger than allowed."""


class VideoTooLongError(MediaError):
    """The video is longer than allowed."""


class RequestError(InputError):
    """The request cannot be served."""


class InvalidParameterError(RequestError):
    """A parameter has a value that is not allowed."""


class NotFoundError(RequestError):
    """There is no such object."""


class ConflictError(RequestError):
    """The object is not in a state that allows this."""


class LastAdministratorError(RequestError):
    """This would end the last key of an administrator, and nobody could make another: make one first."""


class UnauthenticatedError(RequestError):
    """The request needs an API key that is known and not revoked: `Authorization: Bearer mry_...`."""


class ForbiddenError(RequestError):
    """The request needs the key of an administrator."""


class ClusterNotAllowedError(RequestError):
    """The project's cluster is not among the Triton servers that the operator allows."""


class InvalidLinkError(RequestError):
    """The download's address was not issued by this server."""


class LinkExpiredError(RequestError):
    """The download's address has expired: list the results again."""


class PreconditionRequiredError(RequestError):
    """The request needs If-Match with the ETag of the object as it was read."""


class PreconditionFailedError(RequestError):
    """The object has changed since it was read: read it again."""


class IdempotencyKeyReusedError(RequestError):
    """The Idempotency-Key was used before, for another request."""


class UploadError(RequestError):
    """The upload was refused."""


class InvalidUploadTokenError(UploadError):
    """The upload's address was not issued by this server."""


class UploadExpiredError(UploadError):
    """The upload's address has expired: ask for a new one."""


class UploadUsedError(UploadError):
    """The upload's address was used before: ask for a new one."""


class UploadTooLargeError(UploadError):
    """The upload is larger than allowed."""


class UploadIncompleteError(UploadError):
    """The upload stopped before its end: send it again."""


class LimitError(MareyError):
    """The project has what it may have for now."""

    def __init__(self, message: str | None = None, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimitedError(LimitError):
    """The project starts new work too fast."""


class QuotaExceededError(LimitError):
    """The project has as much work under way as it may have."""


class ServiceError(MareyError):
    """A part of the system failed."""

    retryable = True
    retry_after_s = 5.0


class StoreError(ServiceError):
    """Postgres failed."""


class BusError(ServiceError):
    """NATS failed."""


class ObjectStoreError(ServiceError):
    """The object store failed."""


class InferenceError(ServiceError):
    """Triton failed a request."""


class InferenceUnavailableError(InferenceError):
    """Triton does not answer."""


class InferenceTimeoutError(InferenceError):
    """Triton did not answer this request in time."""


class InferenceRefusedError(InferenceError):
    """Triton takes this request for wrong: it would refuse it again."""

    retryable = False


class InferenceLostError(InferenceError):
    """Triton, or the process of a model, ended while it worked on this request."""


class KillingFrameError(InferenceError):
    """Triton ended while it worked on this frame and on nothing else of the worker."""

    def __init__(self, message: str | None = None, frame_index: int | None = None) -> None:
        super().__init__(message)
        self.frame_index = frame_index


class KillingVideoError(InferenceError):
    """Frames of this video ended Triton again and again: the rest of it was not tried."""

    retryable = False


class MixedNetworksError(InferenceError):
    """A video met different networks again and again: all Triton servers must serve the same ones."""

    retryable = False


class LeaseLostError(ServiceError):
    """The task's lease was lost: another worker has it."""

    retryable = False


class SuspectWaitsError(ServiceError):
    """Another run that may have ended Triton is tried: this one waits."""


class NotReadyError(ServiceError):
    """A service that new work needs does not answer."""


class StorageFullError(ServiceError):
    """The object store's disk is almost full."""

    retry_after_s = 60.0


class WorkerLostError(ServiceError):
    """Every worker that tried this fell silent."""


class UnforeseenError(ServiceError):
    """Something unforeseen failed; the log says more."""


class ConfigurationError(MareyError):
    """This installation cannot run as it is configured."""


class ModelContractError(ConfigurationError):
    """A model on the Triton server differs from its committed contract."""


class WeightsError(ConfigurationError):
    """The file does not hold the weights of the network that was named."""


class NumpyVersionError(ConfigurationError):
    """Triton's Python backend needs NumPy 1: with NumPy 2 it passes zeros. Install numpy==1.26.4."""


class PortTakenError(ConfigurationError):
    """A port is taken by another process."""


class DirectoryTakenError(ConfigurationError):
    """The data directory is in use by another stack."""


class ServiceDiedError(ConfigurationError):
    """A service of the stack died."""


def leaves(root: type[MareyError] = MareyError) -> list[type[MareyError]]:
    """The error classes below `root` that have no subclasses, in definition order."""
    below = root.__subclasses__()
    return [leaf for child in below for leaf in leaves(child)] if below else [root]

"""The one place where errors of FFmpeg (PyAV) become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import av.error

from core.errors import (
    ConfigurationError,
    CorruptVideoError,
    MareyError,
    NoFramesError,
    ObjectStoreError,
    UnsupportedCodecError,
    UnsupportedContainerError,
)

# Demuxers report nonsense in a file also as EPERM, EIO and ENOMEM.
_DAMAGED = (
    av.error.ArgumentError,
    av.error.BufferTooSmallError,
    av.error.BugError,
    av.error.ExternalError,
    av.error.InputChangedError,
    av.error.InvalidDataError,
    av.error.MemoryError,
    av.error.OSError,
    av.error.OutputChangedError,
    av.error.OverflowError,
    av.error.PermissionError,
    av.error.UndefinedError,
    av.error.UnknownError,
)
_ENDS_EARLY = (av.error.EOFError,)
_UNSUPPORTED_CODEC = (
    av.error.DecoderNotFoundError,
    av.error.ExperimentalError,
    av.error.NotImplementedError,
    av.error.PatchWelcomeError,
)
_UNSUPPORTED_CONTAINER = (
    av.error.DemuxerNotFoundError,
    av.error.HTTPClientError,
    av.error.HTTPError,
    av.error.ProtocolNotFoundError,
)
_THIS_INSTALLATION = (
    av.error.BSFNotFoundError,
    av.error.EncoderNotFoundError,
    av.error.FilterNotFoundError,
    av.error.MuxerNotFoundError,
    av.error.OptionNotFoundError,
    av.error.PyAVCallbackError,
)
_FILE_SYSTEM = (
    av.error.BlockingIOError,
    av.error.BrokenPipeError,
    av.error.ChildProcessError,
    av.error.ConnectionAbortedError,
    av.error.ConnectionRefusedError,
    av.error.ConnectionResetError,
    av.error.ExitError,
    av.error.FileExistsError,
    av.error.FileNotFoundError,
    av.error.InterruptedError,
    av.error.IsADirectoryError,
    av.error.NotADirectoryError,
    av.error.ProcessLookupError,
    av.error.TimeoutError,
)
_OURS: tuple[tuple[tuple[type[av.error.FFmpegError], ...], type[MareyError]], ...] = (
    (_DAMAGED, CorruptVideoError),
    (_ENDS_EARLY, NoFramesError),
    (_UNSUPPORTED_CODEC, UnsupportedCodecError),
    (_UNSUPPORTED_CONTAINER, UnsupportedContainerError),
    (_THIS_INSTALLATION, ConfigurationError),
    (_FILE_SYSTEM, ObjectStoreError),
)


def our_class(foreign: type[av.error.FFmpegError]) -> type[MareyError] | None:
    """The class that an FFmpeg error class becomes, None if it has no place in the table."""
    for classes, ours in _OURS:
        if issubclass(foreign, classes):
            return ours
    return None


@contextmanager
def media_errors(name: str) -> Iterator[None]:
    """Turn FFmpeg's errors of reading into ours; `name` is the video's, for the message."""
    try:
        yield
    except av.error.FFmpegError as error:
        ours = our_class(type(error)) or CorruptVideoError
        raise ours(f"{name}: expected a readable video, got {error.strerror or error}") from error


@contextmanager
def output_errors(name: str) -> Iterator[None]:
    """Turn FFmpeg's errors of writing into ours; `name` is the file's, for the message."""
    try:
        yield
    except av.error.FFmpegError as error:
        ours = ConfigurationError if isinstance(error, _THIS_INSTALLATION) else ObjectStoreError
        raise ours(f"{name}: expected to write a video, got {error.strerror or error}") from error

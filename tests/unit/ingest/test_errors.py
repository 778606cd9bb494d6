import av.error
import pytest

from core.errors import (
    ConfigurationError,
    CorruptVideoError,
    MareyError,
    ObjectStoreError,
    UnsupportedCodecError,
)
from ingest.errors import media_errors, our_class, output_errors

_FAMILIES = {av.error.FFmpegError, av.error.LookupError}


def ffmpeg_error_classes() -> list[type[av.error.FFmpegError]]:
    found = [item for item in vars(av.error).values() if isinstance(item, type)]
    return [item for item in found if issubclass(item, av.error.FFmpegError) and item not in _FAMILIES]


@pytest.mark.parametrize("foreign", ffmpeg_error_classes(), ids=lambda foreign: foreign.__name__)
def test_every_ffmpeg_error_is_mapped(foreign: type[av.error.FFmpegError]) -> None:
    ours = our_class(foreign)
    assert ours is not None
    assert issubclass(ours, MareyError)


def test_there_are_errors_to_map() -> None:
    assert len(ffmpeg_error_classes()) > 40


def test_the_message_names_the_video_and_the_cause_is_kept() -> None:
    with (
        pytest.raises(
            CorruptVideoError, match=r"^run\.mp4: expected a readable video, got bad bytes"
        ) as caught,
        media_errors("run.mp4"),
    ):
        raise av.error.InvalidDataError(1, "bad bytes")
    assert isinstance(caught.value.__cause__, av.error.InvalidDataError)


@pytest.mark.parametrize(
    ("foreign", "ours"),
    [
        (av.error.OSError(28, "No space left on device"), ObjectStoreError),
        (av.error.InvalidDataError(1, "bad bytes"), ObjectStoreError),
        (av.error.EncoderNotFoundError(1, "no such encoder"), ConfigurationError),
    ],
)
def test_errors_of_writing(foreign: av.error.FFmpegError, ours: type[MareyError]) -> None:
    with pytest.raises(ours, match=r"^run\.mp4: expected to write a video"), output_errors("run.mp4"):
        raise foreign


def test_other_errors_pass() -> None:
    with pytest.raises(UnsupportedCodecError, match="as it was"), media_errors("run.mp4"):
        raise UnsupportedCodecError("as it was")

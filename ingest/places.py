"""Where decoded frames are written: memory of this process, or of a GPU."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.video import FrameSpan, VideoInfo
from ingest.decoder import DecoderSettings, decode_span


@dataclass(frozen=True, slots=True)
class DevicePlace:
    """Contiguous uint8 [height, width, 3] on a GPU."""

    pointer: int
    """CUDA device address."""


Place: TypeAlias = NDArray[np.uint8] | DevicePlace
"""Memory of one RGB frame [height, width, 3] as displayed."""


class TakePlace(Protocol):
    """Says where frames go, one after the other."""

    def __call__(self, frame_index: int, settle: Callable[[], None], /) -> Place:
        """Where a frame's RGB goes. Those before it are whole once `settle` returns, which may wait for a
        GPU: only who hands them on calls it."""


TellReason = Callable[[str], None]
"""Called before the first frame that a GPU's decoders leave to the CPU, with the reason."""


def tell_nobody(_: str) -> None:
    """For who does not ask."""


class FrameDecoder(Protocol):
    """Decodes spans of videos into places. Several threads may use one at a time."""

    def decode_into(
        self, path: Path, info: VideoInfo, span: FrameSpan, take: TakePlace, tell: TellReason = tell_nobody
    ) -> None:
        """Write the frames of a span, in order; damaged frames and those built on them are left out.

        The last frame is whole on return. Raises what `ingest.decoder.decode_span` raises, and what `take`
        raises.
        """


class Upload(Protocol):
    """Copies a frame from this process to a GPU, whole on return."""

    def __call__(self, place: DevicePlace, rgb: NDArray[np.uint8]) -> None: ...


class CpuDecoder:
    """FFmpeg's decoders. Frames that belong on a GPU are copied there."""

    def __init__(self, upload: Upload | None = None, settings: DecoderSettings | None = None) -> None:
        self._upload = upload
        self._settings = settings

    def decode_into(
        self, path: Path, info: VideoInfo, span: FrameSpan, take: TakePlace, tell: TellReason = tell_nobody
    ) -> None:
        """See `FrameDecoder`. Nobody left anything to it."""
        self.decode_after(None, path, info, span, take)

    def decode_after(
        self, last_index: int | None, path: Path, info: VideoInfo, span: FrameSpan, take: TakePlace
    ) -> None:
        """`decode_into` without the frames up to `last_index`, which the caller has already."""
        target = _Target(take, self._upload, info)
        for _ in decode_span(path, info, span, target.allocate, self._settings, last_index):
            target.complete()


def _nothing_to_wait_for() -> None:
    """Frames are written, and copied, before the next one begins."""


class _Target:
    """The place of the frame that is being decoded."""

    def __init__(self, take: TakePlace, upload: Upload | None, info: VideoInfo) -> None:
        self._take = take
        self._upload = upload
        self._shape = (info.height_px, info.width_px, 3)
        self._staging: NDArray[np.uint8] | None = None
        self._place: Place | None = None

    def allocate(self, index: int) -> NDArray[np.uint8]:
        self._place = self._take(index, _nothing_to_wait_for)
        if isinstance(self._place, np.ndarray):
            return self._place
        if self._staging is None:
            self._staging = np.empty(self._shape, np.uint8)
        return self._staging

    def complete(self) -> None:
        if isinstance(self._place, DevicePlace) and self._staging is not None:
            if self._upload is None:
                raise TypeError("CpuDecoder: expected places in this process, got one on a GPU")
            self._upload(self._place, self._staging)

"""RGB frames to H.264 files that browsers play."""

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from ingest.errors import output_errors
from ingest.times import ns_to_ticks, time_base_for

_X264_OPTIONS = {"preset": "superfast", "crf": "24"}
_AVCOL_SPC_BT709 = 1


class VideoWriter:
    """Writes one MP4: H.264, yuv420p, BT.709, index in front. A context manager.

    Frames keep the times they are given; times before zero move all frames so that the first is at zero.
    Odd sizes grow by one row or column, a copy of the last one, because yuv420p has even sizes.
    """

    def __init__(self, path: Path, size_px: tuple[int, int], frame_rate: Fraction, threads: int = 0) -> None:
        """`size_px` is (width, height); `frame_rate` sets the time base and is what the file states."""
        width_px, height_px = size_px
        self._name = path.name
        self._shape = (height_px, width_px, 3)
        self._time_base = time_base_for(frame_rate)
        self._threads = threads
        self._reformatter = VideoReformatter()
        self._offset_ns: int | None = None
        self._last_ticks = -1
        self._even = np.empty((height_px + height_px % 2, width_px + width_px % 2, 3), np.uint8)
        with output_errors(self._name):
            self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
            self._stream = self._add_stream(frame_rate)
            self._container.start_encoding()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with output_errors(self._name):
            if kind is None:
                self._container.mux(self._stream.encode(None))
            self._container.close()

    def write(self, image: NDArray[np.uint8], pts_ns: int) -> None:
        """Add a frame, uint8 [height, width, 3] RGB, shown at `pts_ns`; times must increase."""
        if image.shape != self._shape:
            raise ValueError(f"{self._name}: expected an image of shape {self._shape}, got {image.shape}")
        with output_errors(self._name):
            self._container.mux(self._stream.encode(self._picture(image, pts_ns)))

    def _add_stream(self, frame_rate: Fraction) -> VideoStream:
        stream = self._container.add_stream("libx264", rate=frame_rate, options=_X264_OPTIONS)
        stream.height, stream.width = self._even.shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = self._threads
        context = stream.codec_context
        context.time_base = self._time_base
        context.colorspace = _AVCOL_SPC_BT709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        context.color_range = ColorRange.MPEG
        return stream

    def _picture(self, image: NDArray[np.uint8], pts_ns: int) -> VideoFrame:
        rgb = VideoFrame.from_numpy_buffer(self._padded(image), "rgb24")
        picture = self._reformatter.reformat(
            rgb,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=self._threads,
        )
        picture.time_base = self._time_base
        picture.pts = self._ticks(pts_ns)
        return picture

    def _padded(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height_px, width_px, _ = self._shape
        if self._even.shape == self._shape:
            return np.ascontiguousarray(image)
        self._even[:height_px, :width_px] = image
        self._even[height_px:] = self._even[height_px - 1]
        self._even[:, width_px:] = self._even[:, width_px - 1 : width_px]
        return self._even

    def _ticks(self, pts_ns: int) -> int:
        if self._offset_ns is None:
            self._offset_ns = max(0, -pts_ns)
        ticks = ns_to_ticks(pts_ns + self._offset_ns, self._time_base)
        self._last_ticks = max(ticks, self._last_ticks + 1)
        return self._last_ticks

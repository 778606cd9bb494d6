"""Small real videos for the tests, good and bad ones. Frame `i` can be told from its picture."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

NTSC_30 = Fraction(30000, 1001)
BITS = 8
"""Frames carry their number as this many black or white fields across the picture."""
QUIET_X265 = {"x265-params": "log-level=none"}


def numbered_picture(index: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """A [height, width, 3] RGB picture that shows `index` in binary."""
    fields = [255 if index >> bit & 1 else 0 for bit in range(BITS)]
    columns = np.array(fields, np.uint8)[np.arange(width_px) * BITS // width_px]
    return np.ascontiguousarray(np.broadcast_to(columns[None, :, None], (height_px, width_px, 3)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """What to encode."""

    frames: int = 30
    size_px: tuple[int, int] = (128, 96)
    frame_rate: Fraction = NTSC_30
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"g": "10", "bf": "2"})
    rotation_deg: int = 0
    """Clockwise turn that a player shall make."""
    pts: tuple[int, ...] | None = None
    """Ticks of 1 / (1000 * frame_rate); by default 1000 apart from 0. AVI has no such times."""
    picture: Callable[[int, int, int], NDArray[np.uint8]] = numbered_picture
    """Of an index, a width and a height."""


def number_in(image: NDArray[np.uint8]) -> int:
    """The number that a decoded picture shows."""
    height_px, width_px, _ = image.shape
    centres = (np.arange(BITS) * 2 + 1) * width_px // (2 * BITS)
    return sum(1 << bit for bit, x in enumerate(centres) if image[height_px // 2, x].mean() > 127)


def write_clip(path: Path, clip: Clip) -> Path:
    """Encode `clip`; the container follows from the suffix."""
    width_px, height_px = clip.size_px
    ticks_per_frame = 1 if path.suffix == ".avi" else 1000
    time_base = 1 / (clip.frame_rate * ticks_per_frame)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(clip.codec, rate=clip.frame_rate, options=clip.options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, clip.pixel_format
        stream.codec_context.time_base = time_base
        if clip.rotation_deg:
            stream.set_display_rotation(-clip.rotation_deg)
        for index in range(clip.frames):
            picture = VideoFrame.from_ndarray(clip.picture(index, width_px, height_px), "rgb24")
            picture.pts = index * ticks_per_frame if clip.pts is None else clip.pts[index]
            picture.time_base = time_base
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_audio_only(path: Path) -> Path:
    """Half a second of silence, no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000)
        samples = av.AudioFrame.from_ndarray(np.zeros((2, 24000), np.float32), "fltp", "stereo")
        samples.sample_rate = 48000
        container.mux(stream.encode(samples))
        container.mux(stream.encode(None))
    return path


def write_playlist(path: Path, target: Path) -> Path:
    """An HLS playlist that points at `target`, under whatever name."""
    path.write_text(
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{target}\n#EXT-X-ENDLIST\n"
    )
    return path


def write_frameless(path: Path) -> Path:
    """A matroska file with a video track and no frame."""
    with av.open(str(path), "w") as container:
        stream: VideoStream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()
    return path


def truncate(path: Path, keep: float) -> Path:
    """Cut a file to a share of its size."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def overwrite_middle(path: Path, start: float, stop: float) -> Path:
    """Fill the part between two shares of a file with noise."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * stop)
    data[first:last] = np.random.default_rng(7).bytes(last - first)
    path.write_bytes(data)
    return path

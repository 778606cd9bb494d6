"""Clips of every kind that NVDEC meets, and frames of a decoder beside those of the CPU's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.video import Frame, FrameSpan, VideoInfo
from ingest.decoder import decode_span
from ingest.nvdec.device import Gpu
from ingest.places import DevicePlace, FrameDecoder
from tests.media import QUIET_X265, Clip, overwrite_middle, truncate, write_clip

SIZE_PX = (320, 240)


def coloured_picture(index: int, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Saturated colours that change over the picture and from one to the next: matrices show."""
    rows, columns = np.mgrid[:height_px, :width_px] / max(width_px, height_px)
    phases = (4 * rows + index / 5, 3 * columns + index / 7, 2 * (rows + columns) - index / 9)
    rgb = np.stack([127.5 + 120 * np.sin(phase) for phase in phases], axis=-1)
    return np.ascontiguousarray(rgb.round().astype(np.uint8))


LARGEST_MEAN_DIFFERENCE = 2.0
"""Levels of 255."""

VFR_PTS = tuple(int(x) for x in np.cumsum([0, *(700 + 613 * (i % 5) for i in range(29))]))
H264 = {"g": "10", "bf": "2", "x264-params": "log=-1"}
COLOURS = {
    "601 limited": "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m:fullrange=off",
    "709 limited": "colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off",
    "601 full": "colormatrix=smpte170m:fullrange=on",
    "709 full": "colormatrix=bt709:fullrange=on",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of clip."""

    name: str
    suffix: str
    clip: Clip
    harm: Callable[[Path], Path] | None = None
    by_nvdec: bool | None = True
    """Whether a chip with every codec decodes all; None: what may be damaged or cut off is the CPU's."""


def kinds() -> tuple[Kind, ...]:
    """What to decode. 320x240 unless the kind is about the size."""
    return (*_h264_kinds(), *_other_kinds())


def _h264(**values: Any) -> Clip:
    return replace(Clip(size_px=SIZE_PX, options=H264, picture=coloured_picture), **values)


def _x264(parameters: str, **options: str) -> dict[str, str]:
    return {**H264, "x264-params": f"log=-1:{parameters}", **options}


def _h264_kinds() -> Iterator[Kind]:
    yield Kind("h264", ".mp4", _h264())
    yield Kind("h264 mkv", ".mkv", _h264())
    yield Kind("h264 mpegts", ".ts", _h264(), by_nvdec=None)
    yield Kind("h264 no B", ".mp4", _h264(options={"g": "10", "bf": "0"}))
    yield Kind("h264 open GOP", ".mp4", _h264(options=_x264("open-gop=1:keyint=10", bf="3")))
    yield Kind("h264 VFR", ".mp4", _h264(pts=VFR_PTS))
    yield Kind("h264 late start", ".mp4", _h264(pts=tuple(range(5000, 35000, 1000))))
    for turn in (90, 180, 270):
        yield Kind(f"h264 turned {turn}", ".mp4", _h264(rotation_deg=turn))
    for name, parameters in COLOURS.items():
        yield Kind(f"h264 {name}", ".mp4", _h264(options=_x264(parameters)))
    yield Kind("h264 720p", ".mp4", _h264(size_px=(1280, 720), frames=12))
    yield Kind("h264 no 16", ".mp4", _h264(size_px=(322, 182)))
    yield Kind("h264 444", ".mp4", _h264(pixel_format="yuv444p"), by_nvdec=False)
    yield Kind("h264 avi", ".avi", _h264(), by_nvdec=False)
    yield Kind("h264 noise", ".mp4", _h264(), _noise, by_nvdec=None)
    yield Kind("h264 mpegts noise", ".ts", _h264(), _noise, by_nvdec=None)
    yield Kind("h264 cut off", ".ts", _h264(), _cut, by_nvdec=None)


def _other_kinds() -> Iterator[Kind]:
    hevc = Clip(size_px=SIZE_PX, picture=coloured_picture, codec="libx265", options={"g": "10", **QUIET_X265})
    yield Kind("hevc", ".mp4", hevc)
    yield Kind("hevc mkv", ".mkv", hevc)
    yield Kind("hevc mpegts", ".ts", hevc, by_nvdec=None)
    yield Kind("hevc 10 bit", ".mp4", replace(hevc, pixel_format="yuv420p10le"))
    yield Kind("hevc turned 90", ".mp4", replace(hevc, rotation_deg=90))
    yield Kind("hevc noise", ".ts", hevc, _noise, by_nvdec=None)
    vp9 = Clip(size_px=SIZE_PX, picture=coloured_picture, codec="libvpx-vp9", options=_VP9)
    yield Kind("vp9", ".webm", vp9)
    yield Kind("vp9 odd", ".webm", replace(vp9, size_px=(321, 241)))
    av1 = Clip(size_px=SIZE_PX, picture=coloured_picture, codec="libsvtav1", options=_AV1)
    yield Kind("av1", ".mkv", av1)
    yield Kind("av1 mp4", ".mp4", av1)
    yield Kind("av1 10 bit", ".mkv", replace(av1, pixel_format="yuv420p10le"))
    mpeg4 = Clip(
        size_px=SIZE_PX, picture=coloured_picture, codec="mpeg4", options={"g": "10"}, frame_rate=Fraction(25)
    )
    yield Kind("mpeg4", ".avi", mpeg4, by_nvdec=False)


_VP9 = {"g": "10", "cpu-used": "8", "deadline": "realtime"}
_AV1 = {"g": "10", "preset": "12"}


def _noise(path: Path) -> Path:
    return overwrite_middle(path, 0.4, 0.45)


def _cut(path: Path) -> Path:
    return truncate(path, 0.7)


def write_kind(folder: Path, kind: Kind) -> Path:
    """The clip's file."""
    path = write_clip(folder / f"{kind.name.replace(' ', '_')}{kind.suffix}", kind.clip)
    return path if kind.harm is None else kind.harm(path)


class DeviceFrames:
    """Places in device memory at `pointer` for `count` frames of a video, and what was written there."""

    def __init__(self, info: VideoInfo, pointer: int) -> None:
        self._info = info
        self._pointer = pointer
        self.indices: list[int] = []

    @property
    def frame_bytes(self) -> int:
        """Size of one frame."""
        return self._info.height_px * self._info.width_px * 3

    def take(self, index: int, _settle: Callable[[], None]) -> DevicePlace:
        """The next frame's place."""
        self.indices.append(index)
        return DevicePlace(self._pointer + (len(self.indices) - 1) * self.frame_bytes)

    def images(self, gpu: Gpu) -> NDArray[np.uint8]:
        """All frames [N, H, W, 3]."""
        shape = (len(self.indices), self._info.height_px, self._info.width_px, 3)
        return gpu.download(DevicePlace(self._pointer), shape)


def expected_frames(path: Path, info: VideoInfo, span: FrameSpan) -> list[Frame]:
    """What the CPU's decoder gives."""
    return list(decode_span(path, info, span))


def decoded_on_device(
    decoder: FrameDecoder, gpu: Gpu, pointer: int, path: Path, info: VideoInfo, span: FrameSpan
) -> tuple[list[int], NDArray[np.uint8]]:
    """Indices and pictures that a decoder gives."""
    frames = DeviceFrames(info, pointer)
    decoder.decode_into(path, info, span, frames.take)
    return frames.indices, frames.images(gpu)

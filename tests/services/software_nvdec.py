"""NVDEC and a GPU in software: the driver's calls by FFmpeg, our kernel as host code, this memory."""

import ctypes
import shutil
import subprocess
import tempfile
from ctypes import pointer
from functools import cache
from pathlib import Path

import av
import av.error
import numpy as np
from av.codec.context import CodecContext
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from ingest.nvdec.build_kernels import SOURCE
from ingest.nvdec.conversion import Conversion
from ingest.nvdec.cuvid import (
    NVDEC_CODECS,
    PACKET_TIMESTAMP,
    DisplayInfo,
    ParserParameters,
    PictureParameters,
    Rect,
    SourcePacket,
    VideoFormat,
)
from ingest.nvdec.device import Gpu, Picture, Stream, kernel_arguments
from ingest.places import DevicePlace

SURFACES = 24
PITCH_BYTES = 2048
SUCCESS, DAMAGED = 2, 8


@cache
def host_kernel() -> ctypes.CDLL:
    """The kernel as plain loops."""
    compiler = next(path for name in ("c++", "g++", "clang++") if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "kernels.so"
        flags = ("-x", "c++", "-std=c++17", "-O2", "-shared", "-fPIC")
        subprocess.run([compiler, *flags, str(SOURCE), "-o", str(library)], check=True)
        return ctypes.CDLL(str(library))


class HostStream(Stream):
    """Work that is done at once."""

    def __init__(self) -> None:
        self.pointer = 0

    def wait(self) -> None: ...

    def wait_for_conversions(self) -> None: ...

    def convert(self, picture: Picture, how: Conversion, rotation_deg: int, place: DevicePlace) -> None:
        host_kernel().to_rgb(*kernel_arguments(picture, how, rotation_deg, place))


class HostGpu(Gpu):
    """Memory of this process."""

    def __init__(self) -> None:
        self.number = 0
        self.uploads = 0

    def use(self) -> None: ...

    def stream(self) -> Stream:
        return HostStream()

    def upload(self, place: DevicePlace, rgb: NDArray[np.uint8]) -> None:
        self.uploads += 1
        ctypes.memmove(place.pointer, rgb.ctypes.data, rgb.nbytes)


class _Parser:
    def __init__(self, parameters: ParserParameters) -> None:
        name = next(name for name, number in NVDEC_CODECS.items() if number == parameters.codec)
        self.parameters = parameters
        codec = CodecContext.create("libdav1d" if name == "av1" else name, "r")
        assert isinstance(codec, VideoCodecContext)
        self.codec = codec
        self.codec.thread_count = 1
        self.decoded = 0
        self.surface_at: dict[int, int] = {}


class SoftwareNvdec:
    """`CuvidCalls` for videos of one size. Pictures' damage is told as the chip tells it."""

    def __init__(self, size_px: tuple[int, int], bit_depth: int = 8) -> None:
        self.size_px = size_px
        self.bit_depth = bit_depth
        self.reconfigured = 0
        self.alive = 0
        self.mapped = 0
        self._parsers: dict[int, _Parser] = {}
        self._frames: dict[int, VideoFrame] = {}
        self._status: dict[int, int] = {}
        self._planes: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._handles = 0

    def cuvidGetDecoderCaps(self, caps: object) -> int:  # noqa: N802
        found = caps._obj  # type: ignore[attr-defined]
        found.is_supported, found.engines = 1, 7
        found.min_width_px, found.min_height_px = 16, 16
        found.max_width_px, found.max_height_px, found.max_macroblocks = 4096, 4096, 65536
        return 0

    def cuvidCreateVideoParser(self, parser: object, parameters: object) -> int:  # noqa: N802
        parser._obj.value = self._handle()  # type: ignore[attr-defined]
        self._parsers[parser._obj.value] = _Parser(parameters._obj)  # type: ignore[attr-defined]
        return 0

    def cuvidDestroyVideoParser(self, parser: ctypes.c_void_p) -> int:  # noqa: N802
        del self._parsers[parser.value or 0]
        return 0

    def cuvidParseVideoData(self, parser: ctypes.c_void_p, packet: object) -> int:  # noqa: N802
        source: SourcePacket = packet._obj  # type: ignore[attr-defined]
        state = self._parsers[parser.value or 0]
        data = ctypes.string_at(source.payload, source.payload_bytes) if source.payload else b""
        if data and not source.flags & PACKET_TIMESTAMP:
            state.codec.extradata = data
            return 0
        fed: Packet | None = None
        if data:
            fed = Packet(data)
            fed.pts = source.timestamp
            if not self._started(state, source.timestamp):
                return 1
        return int(not self._shown(state, fed))

    def cuvidCreateDecoder(self, decoder: object, info: object) -> int:  # noqa: N802
        decoder._obj.value = self._handle()  # type: ignore[attr-defined]
        self.alive += 1
        return 0

    def cuvidReconfigureDecoder(self, decoder: ctypes.c_void_p, info: object) -> int:  # noqa: N802
        self.reconfigured += 1
        return 0

    def cuvidDestroyDecoder(self, decoder: ctypes.c_void_p) -> int:  # noqa: N802
        self.alive -= 1
        return 0

    def cuvidDecodePicture(self, decoder: ctypes.c_void_p, picture: object) -> int:  # noqa: N802
        return 0

    def cuvidGetDecodeStatus(self, decoder: object, index: ctypes.c_int, status: object) -> int:  # noqa: N802
        status._obj.status = self._status.get(index.value, SUCCESS)  # type: ignore[attr-defined]
        return 0

    def cuvidMapVideoFrame64(self, _: object, index: ctypes.c_int, *out: object) -> int:  # noqa: N802
        self.mapped += 1
        frame = self._frames.pop(index.value)
        deep = self.bit_depth > 8
        planes = frame.reformat(format="p010le" if deep else "nv12")
        width, height = self.size_px[0] * (1 + deep), self.size_px[1]
        luma = _rows(planes, 0)[:height, : width + width % 2]
        chroma = _rows(planes, 1)[: -(-height // 2), : width + width % 2]
        even = height + height % 2
        self._planes = np.zeros((even + len(chroma), PITCH_BYTES), np.uint8)
        self._planes[:height, : luma.shape[1]] = luma
        self._planes[even:, : chroma.shape[1]] = chroma
        out[0]._obj.value = self._planes.ctypes.data  # type: ignore[attr-defined]
        out[1]._obj.value = PITCH_BYTES  # type: ignore[attr-defined]
        return 0

    def cuvidUnmapVideoFrame64(self, *arguments: object) -> int:  # noqa: N802
        self.mapped -= 1
        return 0

    def _handle(self) -> int:
        self._handles += 1
        return self._handles

    def _started(self, state: _Parser, timestamp: int) -> bool:
        """Tell of a packet as a picture that is to be decoded."""
        if state.decoded == 0 and not state.parameters.on_sequence(None, pointer(self._format())):
            return False
        surface = state.decoded % SURFACES
        state.decoded += 1
        state.surface_at[timestamp] = surface
        self._status[surface] = SUCCESS
        return bool(state.parameters.on_decode(None, pointer(PictureParameters(picture_index=surface))))

    def _shown(self, state: _Parser, packet: Packet | None) -> bool:
        try:
            frames = state.codec.decode(packet)
        except av.error.InvalidDataError:
            assert packet is not None
            self._status[state.surface_at[packet.pts or 0]] = DAMAGED
            return True
        except av.error.EOFError:
            return True
        for frame in frames:
            surface = state.surface_at[frame.pts or 0]
            if frame.is_corrupt:
                self._status[surface] = DAMAGED
            self._frames[surface] = frame
            info = DisplayInfo(picture_index=surface, timestamp=frame.pts)
            if not state.parameters.on_display(None, pointer(info)):
                return False
        return True

    def _format(self) -> VideoFormat:
        width, height = self.size_px
        return VideoFormat(
            luma_bit_depth_minus_8=self.bit_depth - 8,
            min_surfaces=8,
            coded_width_px=-(-width // 16) * 16,
            coded_height_px=-(-height // 16) * 16,
            display_area=Rect(0, 0, width, height),
            chroma_format=1,
        )


def _rows(frame: VideoFrame, plane: int) -> NDArray[np.uint8]:
    data = frame.planes[plane]
    return np.frombuffer(memoryview(data), np.uint8).reshape(-1, data.line_size)

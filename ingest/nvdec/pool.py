"""NVDEC's decoders: made once, then reconfigured for video after video."""

import ctypes
from collections.abc import Sequence
from ctypes import byref, c_ulonglong, c_void_p
from dataclasses import dataclass
from threading import Lock

from ingest.nvdec.cuvid import (
    CHROMA_420,
    NV12,
    NVDEC_CODECS,
    P016,
    WEAVE,
    CuvidCalls,
    DecodeCaps,
    DecoderCreateInfo,
    NvdecError,
    PictureParameters,
    ReconfigureInfo,
    ShortRect,
    VideoFormat,
    check,
)

_USUAL_MAX_PX = (1920, 1088)
"""Decoders are made for pictures of at least this size, so that most videos find one that fits."""
_USUAL_SURFACES = 20
"""At least: H.264's most reference pictures and those that wait to be shown."""
_SURFACES_AHEAD = 4
_IDLE_PER_ENGINE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderSpec:
    """What a video needs of a decoder."""

    codec: int
    bit_depth: int
    coded_px: tuple[int, int]
    """Width and height."""
    display_area: tuple[int, int, int, int]
    """Left, top, right, bottom."""
    surfaces: int

    @classmethod
    def of(cls, found: VideoFormat) -> "DecoderSpec":
        """The need of a video whose sequence header the parser has read."""
        area = found.display_area
        return cls(
            codec=found.codec,
            bit_depth=found.luma_bit_depth_minus_8 + 8,
            coded_px=(found.coded_width_px, found.coded_height_px),
            display_area=(area.left, area.top, area.right, area.bottom),
            surfaces=found.min_surfaces + _SURFACES_AHEAD,
        )

    @property
    def display_px(self) -> tuple[int, int]:
        """Width and height of what is shown."""
        left, top, right, bottom = self.display_area
        return right - left, bottom - top

    @property
    def target_px(self) -> tuple[int, int]:
        """The same, even: what the decoder writes. Nothing is scaled: the area read is as large."""
        width, height = self.display_px
        return width + width % 2, height + height % 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoder:
    """A decoder of NVDEC."""

    handle: int
    codec: int
    bit_depth: int
    max_px: tuple[int, int]
    surfaces: int

    def serves(self, spec: DecoderSpec) -> bool:
        """Whether it can be reconfigured for this."""
        return (
            (self.codec, self.bit_depth) == (spec.codec, spec.bit_depth)
            and all(most >= size for most, size in zip(self.max_px, spec.coded_px, strict=True))
            and self.surfaces >= spec.surfaces
        )


def decoder_for(spec: DecoderSpec, idle: Sequence[Decoder]) -> Decoder | None:
    """The smallest idle decoder that serves a need."""
    fitting = [decoder for decoder in idle if decoder.serves(spec)]
    return min(fitting, key=lambda decoder: decoder.max_px[0] * decoder.max_px[1], default=None)


class DecoderPool:
    """Decoders of one GPU, for several threads; each thread has made the GPU its own.

    A decoder is one thread's between `take` and `give_back`. Raises NvdecError for what NVDEC refuses.
    """

    def __init__(self, calls: CuvidCalls) -> None:
        self.calls = calls
        self.made = 0
        """Decoders made so far."""
        self.engines = self.capabilities(NVDEC_CODECS["h264"], 8).engines
        self._idle: list[Decoder] = []
        self._lock = Lock()

    def capabilities(self, codec: int, bit_depth: int) -> DecodeCaps:
        """What the chip can do with 4:2:0 pictures of a codec."""
        caps = DecodeCaps(codec=codec, chroma_format=CHROMA_420, bit_depth_minus_8=bit_depth - 8)
        check(self.calls.cuvidGetDecoderCaps(byref(caps)), "cuvidGetDecoderCaps")
        return caps

    def take(self, spec: DecoderSpec) -> Decoder:
        """An idle decoder reconfigured, or a new one. Only from within the parser's sequence callback."""
        with self._lock:
            decoder = decoder_for(spec, self._idle)
            if decoder is not None:
                self._idle.remove(decoder)
        if decoder is None:
            return self._make(spec)
        try:
            self._reconfigure(decoder, spec)
        except NvdecError:
            self.destroy(decoder)
            return self._make(spec)
        return decoder

    def give_back(self, decoder: Decoder) -> None:
        """Keep a decoder for the next video."""
        with self._lock:
            self._idle.append(decoder)
            spare = self._idle.pop(0) if len(self._idle) > _IDLE_PER_ENGINE * max(1, self.engines) else None
        if spare is not None:
            self.destroy(spare)

    def destroy(self, decoder: Decoder) -> None:
        """Instead of `give_back`, after an error."""
        self.calls.cuvidDestroyDecoder(c_void_p(decoder.handle))

    def close(self) -> None:
        """Destroy the idle decoders."""
        with self._lock:
            idle, self._idle = self._idle, []
        for decoder in idle:
            self.destroy(decoder)

    def decode(self, decoder: Decoder, picture: "ctypes._Pointer[PictureParameters]") -> None:
        """Start to decode a picture."""
        check(self.calls.cuvidDecodePicture(c_void_p(decoder.handle), picture), "cuvidDecodePicture")

    def unmap(self, decoder: Decoder, pointer: int) -> None:
        """Let a mapped picture go."""
        status = self.calls.cuvidUnmapVideoFrame64(c_void_p(decoder.handle), c_ulonglong(pointer))
        check(status, "cuvidUnmapVideoFrame64")

    def _make(self, spec: DecoderSpec) -> Decoder:
        max_px = (max(spec.coded_px[0], _USUAL_MAX_PX[0]), max(spec.coded_px[1], _USUAL_MAX_PX[1]))
        surfaces = max(spec.surfaces, _USUAL_SURFACES)
        info = DecoderCreateInfo(
            width_px=spec.coded_px[0],
            height_px=spec.coded_px[1],
            surfaces=surfaces,
            codec=spec.codec,
            chroma_format=CHROMA_420,
            bit_depth_minus_8=spec.bit_depth - 8,
            max_width_px=max_px[0],
            max_height_px=max_px[1],
            display_area=_area_read(spec),
            output_format=P016 if spec.bit_depth > 8 else NV12,
            deinterlace_mode=WEAVE,
            target_width_px=spec.target_px[0],
            target_height_px=spec.target_px[1],
            output_surfaces=2,
        )
        handle = c_void_p()
        check(self.calls.cuvidCreateDecoder(byref(handle), byref(info)), "cuvidCreateDecoder")
        self.made += 1
        return Decoder(
            handle=handle.value or 0,
            codec=spec.codec,
            bit_depth=spec.bit_depth,
            max_px=max_px,
            surfaces=surfaces,
        )

    def _reconfigure(self, decoder: Decoder, spec: DecoderSpec) -> None:
        info = ReconfigureInfo(
            width_px=spec.coded_px[0],
            height_px=spec.coded_px[1],
            target_width_px=spec.target_px[0],
            target_height_px=spec.target_px[1],
            surfaces=decoder.surfaces,
            display_area=_area_read(spec),
        )
        status = self.calls.cuvidReconfigureDecoder(c_void_p(decoder.handle), byref(info))
        check(status, "cuvidReconfigureDecoder")


def _area_read(spec: DecoderSpec) -> ShortRect:
    left, top, _, _ = spec.display_area
    width, height = spec.target_px
    return ShortRect(left, top, left + width, top + height)

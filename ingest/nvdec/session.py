"""One video stream on NVDEC: packets go in, pictures come out in the order in which they are shown."""

import ctypes
from collections.abc import Callable
from ctypes import byref, c_int, c_uint, c_ulonglong, c_void_p
from dataclasses import dataclass

from ingest.nvdec.cuvid import (
    PACKET_END_OF_PICTURE,
    PACKET_END_OF_STREAM,
    PACKET_TIMESTAMP,
    STATUS_DAMAGED,
    STATUS_IN_PROGRESS,
    DecodeCallback,
    DecodeStatus,
    DisplayCallback,
    DisplayInfo,
    MapParameters,
    NvdecError,
    ParserParameters,
    PictureParameters,
    SequenceCallback,
    SourcePacket,
    VideoFormat,
    check,
)
from ingest.nvdec.device import Picture, Stream
from ingest.nvdec.pool import Decoder, DecoderPool, DecoderSpec
from ingest.nvdec.streams import StreamNeed

_DISPLAY_DELAY = 4
"""Pictures that are decoded ahead of the one that is shown, so that the engine is never idle."""
_TIMESTAMP_ORIGIN = 1 << 40
"""Added to all times: the parser takes some small ones for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPicture:
    """A picture whose turn has come; its memory is the decoder's, and only for now."""

    pts: int
    """Ticks, as in its packet."""
    picture: Picture


Show = Callable[[ShownPicture], None]
"""Called within `NvdecSession.feed` and `flush`; what it raises comes out of those."""


class NvdecSession:
    """A parser with a decoder of the pool. Every method raises NvdecError, also for damaged pictures."""

    def __init__(self, pool: DecoderPool, need: StreamNeed, stream: Stream, show: Show) -> None:
        self._pool = pool
        self._need = need
        self._stream = stream
        self._show = show
        self._spec: DecoderSpec | None = None
        self._decoder: Decoder | None = None
        self._unchecked: list[int] = []
        """Surfaces in the order of decoding; damage spreads in that order, not in that of showing."""
        self._error: BaseException | None = None
        parameters = ParserParameters(
            codec=need.codec,
            max_surfaces=1,
            max_display_delay=_DISPLAY_DELAY,
            on_sequence=SequenceCallback(self._guarded(self._on_sequence)),
            on_decode=DecodeCallback(self._guarded(self._on_decode)),
            on_display=DisplayCallback(self._guarded(self._on_display)),
        )
        self._parameters: ParserParameters | None = parameters
        """Keeps the callbacks alive as long as the parser."""
        self._parser = c_void_p()
        status = pool.calls.cuvidCreateVideoParser(byref(self._parser), byref(parameters))
        check(status, "cuvidCreateVideoParser")

    def feed(self, pointer: int, byte_size: int, pts: int) -> None:
        """Decode a packet that lies at an address of this process."""
        self._parse(
            SourcePacket(
                flags=PACKET_TIMESTAMP | PACKET_END_OF_PICTURE,
                payload_bytes=byte_size,
                payload=pointer,
                timestamp=pts + _TIMESTAMP_ORIGIN,
            )
        )

    def feed_header(self, data: bytes) -> None:
        """Read parameter sets that no packet repeats."""
        payload = ctypes.cast(ctypes.c_char_p(data), c_void_p)
        self._parse(SourcePacket(payload_bytes=len(data), payload=payload))

    def flush(self) -> None:
        """Show what is left after the last packet."""
        self._parse(SourcePacket(flags=PACKET_END_OF_STREAM))

    def close(self) -> None:
        """End; the decoder goes back to the pool unless something went wrong."""
        self._pool.calls.cuvidDestroyVideoParser(self._parser)
        decoder, self._decoder = self._decoder, None
        self._parameters = None
        if decoder is None:
            return
        if self._error is None:
            self._pool.give_back(decoder)
        else:
            self._pool.destroy(decoder)

    def _parse(self, packet: SourcePacket) -> None:
        status = self._pool.calls.cuvidParseVideoData(self._parser, byref(packet))
        if self._error is not None:
            raise self._error
        check(status, "cuvidParseVideoData")

    def _guarded(self, handle: Callable[..., int]) -> Callable[..., int]:
        """Nothing may be raised through the library: errors are kept for `_parse`."""

        def callback(_: object, argument: "ctypes._Pointer[ctypes.Structure]") -> int:
            if self._error is not None:
                return 0
            try:
                return handle(argument)
            except BaseException as error:  # noqa: BLE001
                self._error = error
                return 0

        return callback

    def _on_sequence(self, found: "ctypes._Pointer[VideoFormat]") -> int:
        spec = DecoderSpec.of(found.contents)
        if self._decoder is None:
            self._need.check(found.contents)
            self._spec, self._decoder = spec, self._pool.take(spec)
        elif spec != self._spec:
            raise NvdecError("its pictures change their kind on the way")
        return spec.surfaces

    def _on_decode(self, picture: "ctypes._Pointer[PictureParameters]") -> int:
        if self._decoder is None:
            raise NvdecError("it starts without parameters")
        index = picture.contents.picture_index
        if self._unchecked[-1:] != [index]:
            self._unchecked.append(index)
        self._pool.decode(self._decoder, picture)
        return 1

    def _on_display(self, info: "ctypes._Pointer[DisplayInfo]") -> int:
        if not info or self._decoder is None:
            return 1
        shown = info.contents
        pointer, pitch_bytes = self._map(self._decoder, shown)
        try:
            self._check_up_to(self._decoder, shown.picture_index)
            self._show(
                ShownPicture(
                    pts=shown.timestamp - _TIMESTAMP_ORIGIN, picture=self._picture(pointer, pitch_bytes)
                )
            )
        finally:
            self._pool.unmap(self._decoder, pointer)
        return 1

    def _picture(self, pointer: int, pitch_bytes: int) -> Picture:
        assert self._spec is not None
        width_px, height_px = self._spec.display_px
        return Picture(
            luma=pointer,
            chroma=pointer + pitch_bytes * self._spec.target_px[1],
            pitch_bytes=pitch_bytes,
            height_px=height_px,
            width_px=width_px,
            bit_depth=self._spec.bit_depth,
        )

    def _map(self, decoder: Decoder, shown: DisplayInfo) -> tuple[int, int]:
        """Address and pitch of a picture in linear memory; waits until it is decoded."""
        parameters = MapParameters(
            is_progressive=shown.is_progressive,
            second_field=shown.repeat_first_field + 1,
            top_field_first=shown.top_field_first,
            unpaired_field=int(shown.repeat_first_field < 0),
            output_stream=self._stream.pointer,
        )
        pointer, pitch_bytes = c_ulonglong(), c_uint()
        status = self._pool.calls.cuvidMapVideoFrame64(
            c_void_p(decoder.handle),
            c_int(shown.picture_index),
            byref(pointer),
            byref(pitch_bytes),
            byref(parameters),
        )
        check(status, "cuvidMapVideoFrame64")
        return pointer.value, pitch_bytes.value

    def _check_up_to(self, decoder: Decoder, index: int) -> None:
        """Raise NvdecError if a picture decoded up to this one is damaged."""
        if index not in self._unchecked:
            return
        last = self._unchecked.index(index)
        decoded, self._unchecked = self._unchecked[: last + 1], self._unchecked[last + 1 :]
        for surface in decoded:
            if self._status(decoder, surface) in STATUS_DAMAGED:
                raise NvdecError("it is damaged")

    def _status(self, decoder: Decoder, index: int) -> int:
        """`cuvidDecodeStatus` of a picture; 0 where the chip keeps none, as for VP9 and AV1."""
        status = DecodeStatus()
        arguments = (c_void_p(decoder.handle), c_int(index), byref(status))
        if self._pool.calls.cuvidGetDecodeStatus(*arguments) != 0:
            return 0
        if status.status == STATUS_IN_PROGRESS:
            self._stream.wait()
            self._pool.calls.cuvidGetDecodeStatus(*arguments)
        return status.status

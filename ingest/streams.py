"""The video stream of an open file: its packets and pictures, with damage contained."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import av.error
from av.stream import Disposition

from core.errors import CorruptVideoError, NoVideoStreamError
from ingest.damage import DamageLedger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


_DEMUX_ATTEMPTS = 100
"""How often reading goes on behind damage; a demuxer that stays where it is must not hold us."""


class DamagedPacketError(Exception):
    """A packet did not decode."""


def video_stream(source: InputContainer, name: str) -> VideoStream:
    """The first stream of moving pictures; cover art does not count. Raises NoVideoStreamError."""
    for stream in source.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    kinds = ", ".join(sorted({stream.type for stream in source.streams})) or "no stream"
    raise NoVideoStreamError(f"{name}: expected a video stream, got {kinds}")


def time_base_of(stream: VideoStream) -> Fraction:
    """The unit of the stream's times in seconds. Raises CorruptVideoError."""
    if stream.time_base is None:
        raise CorruptVideoError("expected a video stream with a time base, got none")
    return stream.time_base


def data_packets(source: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """The stream's packets up to the end, or to damage that the demuxer cannot get over."""
    attempts = _DEMUX_ATTEMPTS
    while attempts:
        try:
            for packet in source.demux(stream):
                if packet.size:
                    yield packet
        except IndexError:
            # PyAV knows no stream that appears only on the way; that stream's packet is read and gone.
            continue
        except av.error.InvalidDataError:
            attempts -= 1
            continue
        return


def decode_packet(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    """The pictures that come out after feeding a packet (None: the end). Raises DamagedPacketError."""
    try:
        return stream.decode(packet)
    except av.error.EOFError:
        return []
    except (av.error.InvalidDataError, av.error.ArgumentError) as error:
        raise DamagedPacketError from error


def sound_pictures(stream: VideoStream, packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """The pictures of the packets. Raises DamagedPacketError at the first damage."""
    for packet in chain(packets, [None]):
        if packet is not None and packet.is_corrupt:
            raise DamagedPacketError
        for picture in decode_packet(stream, packet):
            if picture.is_corrupt:
                raise DamagedPacketError
            yield picture


def pictures_beside_damage(
    stream: VideoStream, packets: Iterator[Packet[VideoStream]]
) -> Iterator[VideoFrame]:
    """The pictures that owe nothing to damaged ones; the decoder must run on one thread."""
    ledger = DamageLedger()
    for packet in chain(packets, [None]):
        if packet is not None:
            ledger.feed(packet.pts, packet.is_keyframe)
        try:
            pictures = decode_packet(stream, packet)
        except DamagedPacketError:
            ledger.damage(packet.pts if packet is not None else None)
            continue
        for picture in pictures:
            if picture.is_corrupt:
                ledger.damage(picture.pts)
            if not ledger.reaches(picture.pts):
                yield picture

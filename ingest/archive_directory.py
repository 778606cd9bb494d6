"""The size of a zip file's central directory, read before anything parses it."""

import struct
from pathlib import Path

_END_RECORD = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_MAX_COMMENT_BYTES = 0xFFFF
_ZIP64_LOCATOR = struct.Struct("<4sLQL")
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_END_RECORD = struct.Struct("<4sQ2H2L4Q")


def directory_size_bytes(archive: Path) -> int:
    """What the end record says; 0 if there is none (then it is no zip, which `zipfile` finds out).

    Layout: PKWARE APPNOTE 4.3.14 to 4.3.16.
    """
    with archive.open("rb") as file:
        file_bytes = file.seek(0, 2)
        tail_start = max(0, file_bytes - _MAX_COMMENT_BYTES - _END_RECORD.size - _ZIP64_LOCATOR.size)
        file.seek(tail_start)
        tail = file.read()
        at = tail.rfind(_END_SIGNATURE)
        if at < 0 or at + _END_RECORD.size > len(tail):
            return 0
        size = int(_END_RECORD.unpack_from(tail, at)[5])
        record_at = _zip64_record_position(tail, at)
        if record_at is None:
            return size
        file.seek(record_at)
        record = file.read(_ZIP64_END_RECORD.size)
        return int(_ZIP64_END_RECORD.unpack(record)[8]) if len(record) == _ZIP64_END_RECORD.size else size


def _zip64_record_position(tail: bytes, end_record_at: int) -> int | None:
    at = end_record_at - _ZIP64_LOCATOR.size
    if at < 0 or tail[at : at + 4] != _ZIP64_LOCATOR_SIGNATURE:
        return None
    return int(_ZIP64_LOCATOR.unpack_from(tail, at)[2])

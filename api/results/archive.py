"""All files of a job as one zip, made while it is sent."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

_BLOCK_BYTES = 1 << 20


class _Pieces:
    """A file that cannot be read or rewound: what is written is taken away at once."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = b"".join(self._pieces), []
        return pieces


def zip_pieces(files: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of a zip with these files under these names. Stored: most of them are compressed already."""
    sink = _Pieces()
    with zipfile.ZipFile(cast("IO[bytes]", sink), "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            with path.open("rb") as source, archive.open(name, "w", force_zip64=True) as entry:
                while block := source.read(_BLOCK_BYTES):
                    entry.write(block)
                    yield sink.taken()
    yield sink.taken()

"""Server-sent events: bytes as they arrive -> the data of each event."""

from __future__ import annotations

from collections.abc import Iterator


class EventReader:
    """Reads one stream. Comments and other fields than `data` are left out.

    Lines end where the standard says, and nowhere else: JSON may hold other separators, such as U+2028.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The events that end with this piece."""
        # A line feed that is still to come must not be taken for a line of its own.
        text = (self._rest + piece).replace(b"\r\n", b"\n")
        held = text[-1:] if text.endswith(b"\r") else b""
        *lines, rest = text[: len(text) - len(held)].replace(b"\r", b"\n").split(b"\n")
        self._rest = rest + held
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line.removeprefix(b"data:").removeprefix(b" "))
            elif not line and self._data:
                yield b"\n".join(self._data)
                self._data = []

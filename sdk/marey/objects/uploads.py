"""Packages of videos on their way to the server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Union

import msgspec

from marey.connection import local_file_errors
from marey.errors import PackingError, UploadUsedError
from marey.objects.collection import Objects
from marey.packing import packed
from marey.requests import Request

_BLOCK_BYTES = 1 << 20

OnUpload = Callable[[int, int], None]
"""Called with the bytes sent and their total."""
Paths = Union[str, "os.PathLike[str]", Sequence[Union[str, "os.PathLike[str]"]]]
"""One file or several."""


class UploadTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Leave to upload one package, once."""

    upload_url: str
    input_key: str
    """Names the package in `create_job`."""
    expires_at: datetime
    max_bytes: int


class Uploads(Objects):
    """Ways to send videos."""

    async def get_upload_handler(self) -> UploadTicket:
        """Leave to PUT one zip, once, within a short time. `upload` does it all."""
        return await self._connection.send(Request("GET", "/job/upload_handler"), UploadTicket)

    async def upload(self, paths: Paths, *, on_upload: OnUpload | None = None) -> str:
        """Upload videos, or one zip of videos; returns the input key for `create_job`.

        Raises PackingError for what cannot be packed or is too large.
        """
        with ExitStack() as cleanup:
            packing = packed(path_list(paths))
            archive = await self._connection.transport.offload(partial(cleanup.enter_context, packing))
            return await self._send(archive, on_upload)

    async def _send(self, archive: Path, on_upload: OnUpload | None) -> str:
        ticket = await self.get_upload_handler()
        with local_file_errors(archive):
            size_bytes = (await self._connection.transport.offload(archive.stat)).st_size
            if size_bytes > ticket.max_bytes:
                raise PackingError(f"expected at most {ticket.max_bytes} bytes, the package has {size_bytes}")
            headers = {"content-type": "application/zip", "content-length": str(size_bytes)}
            body = partial(self._blocks, archive, size_bytes, on_upload)
            request = Request("PUT", ticket.upload_url, headers=headers, content=body, repeatable=True)
            # The address is ours alone: if it is used up, an earlier try has arrived.
            with suppress(UploadUsedError):
                await self._connection.fetch(request)
        return ticket.input_key

    async def _blocks(
        self, archive: Path, size_bytes: int, on_upload: OnUpload | None
    ) -> AsyncIterator[bytes]:
        sent_bytes = 0
        offload = self._connection.transport.offload
        with await offload(partial(_opened, archive)) as source:
            while block := await offload(partial(source.read, _BLOCK_BYTES)):
                yield block
                sent_bytes += len(block)
                if on_upload is not None:
                    on_upload(sent_bytes, size_bytes)


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def path_list(paths: Paths) -> list[Path]:
    """The files of one path or of several."""
    return [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]

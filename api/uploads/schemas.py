"""Bodies of uploads."""

from datetime import datetime

import msgspec


class UploadTicket(msgspec.Struct, frozen=True, kw_only=True):
    """Where to PUT one zip, once, and the key that names it in `POST /job`."""

    upload_url: str
    input_key: str
    expires_at: datetime
    max_bytes: int


class UploadReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A package that arrived complete."""

    size_bytes: int

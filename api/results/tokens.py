"""Signed leave to download one file of a job, or all of them."""

import msgspec

from api import tokens
from core.errors import InvalidLinkError, LinkExpiredError

_PURPOSE = b"marey download token 1"


class DownloadGrant(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a token allows."""

    project_id: int
    job_id: int
    path: str | None
    """Of the file among the job's results; None: an archive of all."""
    expires_at_s: int
    """Unix time."""


def sign(grant: DownloadGrant, secret: bytes) -> str:
    """The token, safe in a URL."""
    return tokens.sign(grant, _PURPOSE, secret)


def verify(token: str, secret: bytes, now_s: float) -> DownloadGrant:
    """The grant of a token. Raises InvalidLinkError or LinkExpiredError."""
    payload = tokens.payload_of(token, _PURPOSE, secret)
    if payload is None:
        raise InvalidLinkError
    grant = msgspec.json.decode(payload, type=DownloadGrant)
    if now_s >= grant.expires_at_s:
        raise LinkExpiredError
    return grant

"""Entity tags: nobody overwrites what he has not seen (RFC 9110, 13.1.1)."""

import hashlib

import msgspec

from core.errors import PreconditionFailedError, PreconditionRequiredError


def etag_of(row: object) -> str:
    """The strong tag of an object: equal objects have equal tags."""
    return f'"{hashlib.blake2b(msgspec.json.encode(row), digest_size=12).hexdigest()}"'


def require_match(row: object, if_match: str | None) -> None:
    """Raise PreconditionRequiredError without If-Match, PreconditionFailedError if none of its tags fits."""
    if if_match is None:
        raise PreconditionRequiredError
    tags = {tag.strip() for tag in if_match.split(",")}
    if not tags & {"*", etag_of(row)}:
        raise PreconditionFailedError

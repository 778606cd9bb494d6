"""Signed leave to upload one package."""

import hashlib
import hmac
import secrets

import msgspec

from api import tokens
from core.errors import InvalidUploadTokenError, UploadExpiredError

_PURPOSE = b"marey upload token 1"


class UploadGrant(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a token allows. The key is random and is written once, so it is the nonce too."""

    key: str
    max_bytes: int
    expires_at_s: int
    """Unix time."""


def new_grant(project_id: int, max_bytes: int, expires_at_s: int) -> UploadGrant:
    """Leave to write a fresh key `uploads/<project>/<32 hex digits>.zip`."""
    return UploadGrant(_key(project_id, secrets.token_hex(16)), max_bytes, expires_at_s)


def package_key(project_id: int, idempotency_key: str, secret: bytes) -> str:
    """Where the package of a job with this key lies: the same each time that it is sent."""
    said = b"marey package 1\x00" + idempotency_key.encode()
    return _key(project_id, hmac.digest(secret, said, hashlib.sha256).hex()[:32])


def _key(project_id: int, name: str) -> str:
    return f"uploads/{project_id}/{name}.zip"


def sign(grant: UploadGrant, secret: bytes) -> str:
    """The token, safe in a URL."""
    return tokens.sign(grant, _PURPOSE, secret)


def verify(token: str, secret: bytes, now_s: float) -> UploadGrant:
    """The grant of a token. Raises InvalidUploadTokenError or UploadExpiredError."""
    payload = tokens.payload_of(token, _PURPOSE, secret)
    if payload is None:
        raise InvalidUploadTokenError
    grant = msgspec.json.decode(payload, type=UploadGrant)
    if now_s >= grant.expires_at_s:
        raise UploadExpiredError
    return grant

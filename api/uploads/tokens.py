"""Signed leave to upload one package: HMAC-SHA256 over key, size and expiry."""

import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec

from core.errors import InvalidUploadTokenError, UploadExpiredError

_PURPOSE = b"marey upload token 1\x00"
SECRET_BYTES = 32


class UploadGrant(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a token allows. The key is random and is written once, so it is the nonce too."""

    key: str
    max_bytes: int
    expires_at_s: int
    """Unix time."""


def new_grant(max_bytes: int, expires_at_s: int) -> UploadGrant:
    """Leave to write a fresh key `uploads/<32 hex digits>.zip`."""
    return UploadGrant(f"uploads/{secrets.token_hex(16)}.zip", max_bytes, expires_at_s)


def sign(grant: UploadGrant, secret: bytes) -> str:
    """The token, safe in a URL."""
    payload = msgspec.json.encode(grant)
    return f"{_encode(payload)}.{_encode(_signature(payload, secret))}"


def verify(token: str, secret: bytes, now_s: float) -> UploadGrant:
    """The grant of a token. Raises InvalidUploadTokenError or UploadExpiredError."""
    payload, signature = _parts(token)
    if not hmac.compare_digest(signature, _signature(payload, secret)):
        raise InvalidUploadTokenError
    grant = msgspec.json.decode(payload, type=UploadGrant)
    if now_s >= grant.expires_at_s:
        raise UploadExpiredError
    return grant


def _signature(payload: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + payload, hashlib.sha256)


def _parts(token: str) -> tuple[bytes, bytes]:
    payload, _, signature = token.partition(".")
    try:
        return _decode(payload), _decode(signature)
    except (binascii.Error, ValueError) as error:
        raise InvalidUploadTokenError from error


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """The bytes of unpadded base64url; raises if `text` is not the one way to write them."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(data) != text:
        raise binascii.Error("not canonical")
    return data

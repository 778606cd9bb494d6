"""Signed tokens for links: HMAC-SHA256 over a purpose and a payload, safe in a URL."""

import base64
import binascii
import hashlib
import hmac

import msgspec


def sign(grant: msgspec.Struct, purpose: bytes, secret: bytes) -> str:
    """A token that tells what it allows, and that nobody else can make."""
    payload = msgspec.json.encode(grant)
    return f"{_encode(payload)}.{_encode(_signature(payload, purpose, secret))}"


def payload_of(token: str, purpose: bytes, secret: bytes) -> bytes | None:
    """What was signed for this purpose; None if it was not, or was written in another way."""
    encoded, _, signature = token.partition(".")
    try:
        payload, given = _decode(encoded), _decode(signature)
    except (binascii.Error, ValueError):
        return None
    return payload if hmac.compare_digest(given, _signature(payload, purpose, secret)) else None


def _signature(payload: bytes, purpose: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, purpose + b"\x00" + payload, hashlib.sha256)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    """The bytes of unpadded base64url; raises if `text` is not the one way to write them."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode(data) != text:
        raise binascii.Error("not canonical")
    return data

"""API keys: `mry_<id>_<secret>_<checksum>`.

The checksum finds typing errors, and leaked keys in files, without asking anybody. Only a keyed BLAKE2b of
the key is kept: 256 random bits need no slow hash.
"""

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from functools import lru_cache

from core.errors import UnauthenticatedError

_ALPHABET = string.digits + string.ascii_letters
_SECRET_CHARACTERS = 43
"""62**43 > 2**256."""
_PURPOSE = b"marey api key 1"
"""Keeps what is derived from the installation's secret here apart from what is elsewhere."""
_PATTERN = re.compile(r"mry_([0-9a-z]{8})_([0-9A-Za-z]{43})_([0-9a-f]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key on the one occasion that it is known."""

    text: str = field(repr=False)
    key_id: str


def new_key() -> NewKey:
    """A fresh key."""
    key_id = _random(_ALPHABET[:36], 8)
    body = f"mry_{key_id}_{_random(_ALPHABET, _SECRET_CHARACTERS)}"
    return NewKey(text=f"{body}_{_checksum(body)}", key_id=key_id)


def key_id_of(text: str) -> str:
    """The id within a key. Raises UnauthenticatedError if it is not one."""
    match = _PATTERN.fullmatch(text)
    if match is None or _checksum(text.rpartition("_")[0]) != match[3]:
        raise UnauthenticatedError("expected a key mry_<id>_<secret>_<checksum>, got something else")
    return match[1]


def digest_of(text: str, secret: bytes) -> bytes:
    """What is kept of a key: 32 bytes."""
    return hashlib.blake2b(text.encode(), key=_hashed(secret), person=_PURPOSE, digest_size=32).digest()


@lru_cache(maxsize=1)
def _hashed(secret: bytes) -> bytes:
    """Of a length that BLAKE2b takes as a key."""
    return hashlib.sha256(secret).digest()


def _checksum(body: str) -> str:
    return f"{zlib.crc32(body.encode()):08x}"


def _random(alphabet: str, count: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))

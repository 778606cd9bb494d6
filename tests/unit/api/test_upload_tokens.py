"""Signed upload tokens."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.uploads.tokens import UploadGrant, new_grant, sign, verify
from core.errors import InvalidUploadTokenError, UploadExpiredError

SECRET = b"s" * 32
GRANT = UploadGrant("uploads/00.zip", 1000, 2000)


@given(key=st.text(), max_bytes=st.integers(0, 2**62), expires_at_s=st.integers(1, 2**40))
def test_round_trip(key: str, max_bytes: int, expires_at_s: int) -> None:
    grant = UploadGrant(key, max_bytes, expires_at_s)
    token = sign(grant, SECRET)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)
    assert verify(token, SECRET, now_s=0) == grant


@given(position=st.integers(0, 10_000), character=st.sampled_from("ABCxyz019-_.="))
def test_any_changed_character_is_refused(position: int, character: str) -> None:
    token = sign(GRANT, SECRET)
    position %= len(token)
    changed = token[:position] + character + token[position + 1 :]
    if changed != token:
        with pytest.raises(InvalidUploadTokenError):
            verify(changed, SECRET, now_s=0)


@given(st.text())
def test_rubbish_is_refused(text: str) -> None:
    with pytest.raises(InvalidUploadTokenError):
        verify(text, SECRET, now_s=0)


def test_another_secret_is_refused() -> None:
    with pytest.raises(InvalidUploadTokenError):
        verify(sign(GRANT, b"t" * 32), SECRET, now_s=0)


def test_it_expires_at_its_second() -> None:
    token = sign(GRANT, SECRET)
    assert verify(token, SECRET, now_s=1999.9) == GRANT
    with pytest.raises(UploadExpiredError):
        verify(token, SECRET, now_s=2000.0)


def test_keys_are_fresh() -> None:
    keys = {new_grant(7, 1, 1).key for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"uploads/7/[0-9a-f]{32}\.zip", key) for key in keys)

"""What API keys look like, and what is kept of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.accounts.keys import digest_of, key_id_of, new_key
from core.errors import UnauthenticatedError

SECRET = b"s" * 32


def test_a_key_tells_its_id_and_nothing_else() -> None:
    key = new_key()
    assert re.fullmatch(r"mry_[0-9a-z]{8}_[0-9A-Za-z]{43}_[0-9a-f]{8}", key.text)
    assert key_id_of(key.text) == key.key_id
    assert key.text not in repr(key)
    assert len({new_key().text for _ in range(100)}) == 100


@given(position=st.integers(0, 200), character=st.sampled_from("abcXYZ019_"))
def test_a_typing_error_is_found_without_asking_anybody(position: int, character: str) -> None:
    text = new_key().text
    position %= len(text)
    wrong = text[:position] + character + text[position + 1 :]
    if wrong != text:
        with pytest.raises(UnauthenticatedError):
            key_id_of(wrong)


@given(st.text())
def test_rubbish_is_no_key_and_is_not_repeated(text: str) -> None:
    with pytest.raises(UnauthenticatedError, match="expected a key mry_<id>_<secret>_<checksum>"):
        key_id_of(text)


def test_what_is_kept_needs_the_secret() -> None:
    text = new_key().text
    assert len(digest_of(text, SECRET)) == 32
    assert digest_of(text, SECRET) != digest_of(text, b"t" * 32)
    assert digest_of(text, SECRET) != digest_of(new_key().text, SECRET)

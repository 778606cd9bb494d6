"""Bounds of an upload's body."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.uploads.body import bounded
from core.errors import UploadIncompleteError, UploadTooLargeError


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def stalled() -> AsyncIterator[bytes]:
    yield b"begin"
    await asyncio.sleep(30)


async def collect(body: AsyncIterator[bytes], into: list[bytes]) -> None:
    async for chunk in body:
        into.append(chunk)


@given(st.lists(st.binary(max_size=50)))
def test_a_body_of_just_the_size_passes(chunks: list[bytes]) -> None:
    size_bytes = sum(map(len, chunks))
    passed: list[bytes] = []
    asyncio.run(collect(bounded(pieces(*chunks), size_bytes, idle_s=1), passed))
    assert passed == chunks


async def test_one_byte_too_many_is_refused_before_it_is_passed_on() -> None:
    passed: list[bytes] = []
    with pytest.raises(UploadTooLargeError, match="at most 9 bytes"):
        await collect(bounded(pieces(b"12345", b"67890"), 9, idle_s=1), passed)
    assert passed == [b"12345"]


async def test_a_body_that_stalls_is_given_up() -> None:
    with pytest.raises(UploadIncompleteError, match=r"within 0\.05 s"):
        await collect(bounded(stalled(), 100, idle_s=0.05), [])

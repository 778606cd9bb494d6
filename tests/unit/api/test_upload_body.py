"""An upload's body in time."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.uploads.body import unstalled
from core.errors import UploadIncompleteError


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
def test_pieces_pass(chunks: list[bytes]) -> None:
    passed: list[bytes] = []
    asyncio.run(collect(unstalled(pieces(*chunks), idle_s=1), passed))
    assert passed == chunks


async def test_a_body_that_stalls_is_given_up() -> None:
    passed: list[bytes] = []
    with pytest.raises(UploadIncompleteError, match=r"within 0\.05 s"):
        await collect(unstalled(stalled(), idle_s=0.05), passed)
    assert passed == [b"begin"]

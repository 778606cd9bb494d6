"""The table of errors and statuses."""

import pytest

from api.errors import STATUSES, status_of
from core.errors import (
    InputError,
    LimitError,
    MareyError,
    NotFoundError,
    ServiceError,
    UploadTooLargeError,
    VideoTooLongError,
    leaves,
)


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.code)
def test_every_leaf_has_a_status_of_its_kind(leaf: type[MareyError]) -> None:
    assert any(base in STATUSES for base in leaf.__mro__)
    assert (status_of(leaf) < 500) == issubclass(leaf, (InputError, LimitError))


def test_retryable_errors_invite_to_retry() -> None:
    retryable = [leaf for leaf in leaves() if leaf.retryable]
    assert {status_of(leaf) for leaf in retryable} == {503}


def test_codes_are_unique() -> None:
    codes = [leaf.code for leaf in leaves()]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize(
    ("error_type", "status"),
    [(NotFoundError, 404), (UploadTooLargeError, 413), (VideoTooLongError, 422), (ServiceError, 503)],
)
def test_status(error_type: type[MareyError], status: int) -> None:
    assert status_of(error_type) == status

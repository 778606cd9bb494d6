"""Commands for whoever runs an installation."""

import pytest
from click import UsageError

from deploy.operations import parse_changes


def test_values_are_numbers_words_or_the_default() -> None:
    given = ("partitions=4", "lease_s=2.5", "dedicated=true", "max_attempts=default", "batches_per_run=many")
    assert parse_changes(given) == {
        "partitions": 4,
        "lease_s": 2.5,
        "dedicated": True,
        "max_attempts": None,
        "batches_per_run": "many",
    }


def test_a_change_without_a_value_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="expected LEVER=VALUE, got 'partitions'"):
        parse_changes(["partitions"])

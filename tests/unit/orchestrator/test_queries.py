"""Named statements."""

import pytest

from orchestrator.store.queries import load_migrations, parse_queries

TEXT = """-- About the file.

-- name: first
-- Does this.
SELECT 1
-- by the way
FROM a;

-- name: second
-- Does that.
SELECT 2;
"""


def test_statements_come_without_comments() -> None:
    assert parse_queries(TEXT) == {"first": "SELECT 1\nFROM a;", "second": "SELECT 2;"}


def test_a_name_is_used_once() -> None:
    with pytest.raises(ValueError, match="first: expected one"):
        parse_queries(TEXT + TEXT)


def test_a_statement_is_described() -> None:
    with pytest.raises(ValueError, match="lonely: expected a comment"):
        parse_queries("-- name: lonely\nSELECT 1;")


def test_each_migration_has_a_number_of_its_own() -> None:
    numbers = [int(name.partition("_")[0]) for name in load_migrations()]
    assert numbers == sorted(set(numbers))

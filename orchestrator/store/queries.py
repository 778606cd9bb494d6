"""Reads named statements from `.sql` files."""

from functools import cache
from pathlib import Path

from orchestrator.store.resources import RESOURCES, resource_statements

_SQL = Path(__file__).parents[1] / "sql"
_NAME_MARK = "-- name: "


def parse_queries(text: str) -> dict[str, str]:
    """Statements by name. Each starts with `-- name: NAME`, then its description as comments.

    Raises ValueError for a name used twice or a statement without a description.
    """
    queries: dict[str, str] = {}
    for part in text.split(_NAME_MARK)[1:]:
        name, _, body = part.partition("\n")
        if name in queries:
            raise ValueError(f"{name}: expected one statement of this name, got two")
        if not body.startswith("-- "):
            raise ValueError(f"{name}: expected a comment that describes it, got {body[:40]!r}")
        queries[name] = _without_comments(body)
    return queries


@cache
def load_queries() -> dict[str, str]:
    """The statements of the `.sql` files and of the resources. Raises ValueError for a name used twice."""
    texts = [path.read_text() for path in sorted(_SQL.glob("*.sql"))]
    queries = parse_queries("\n".join(texts))
    for resource in RESOURCES:
        queries |= resource_statements(resource)
    return queries


def load_migrations() -> dict[str, str]:
    """Migration scripts by file name, in the order they are applied."""
    return {path.name: path.read_text() for path in sorted((_SQL / "migrations").glob("*.sql"))}


def _without_comments(body: str) -> str:
    lines = (line for line in body.splitlines() if not line.lstrip().startswith("--"))
    return "\n".join(lines).strip()

"""Query parameters of a list, and the cursor to its next page."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from api.catalogue.bodies import MAX_ID
from core.errors import InvalidParameterError
from orchestrator.refusals import refusal_of_names, shown
from orchestrator.store import Window
from orchestrator.store.resources import DIRECTIONS, Resource

Item = TypeVar("Item")
MAX_LIMIT = 100
DEFAULT_LIMIT = 20


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """Part of a list. `next_cursor` leads on; null: there is no more."""

    items: list[Item]
    next_cursor: str | None


class Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The last row of a page, and the order of its list."""

    sort: str
    direction: str
    value: str | int
    last_id: int


def window_of(resource: Resource[object], parameters: Mapping[str, Sequence[str]]) -> Window:
    """The part of the list that `limit`, `cursor`, `sort` (`-` reverses) and the parents ask for.

    Raises InvalidParameterError for an unknown, repeated or wrong one.
    """
    if refusal := refusal_of_names(parameters, ("limit", "cursor", "sort", *resource.parents), "query"):
        raise InvalidParameterError(refusal)
    for name, values in parameters.items():
        if len(values) > 1:
            raise InvalidParameterError(f"{name}: expected one value, got {len(values)}")
    given = {name: values[0] for name, values in parameters.items()}
    sort, direction = _order(resource, given.get("sort", resource.default_sort))
    return Window(
        limit=_number("limit", given.get("limit", str(DEFAULT_LIMIT)), MAX_LIMIT),
        sort=sort,
        direction=direction,
        after=_after(given["cursor"], sort, direction) if "cursor" in given else None,
        parents={name: _number(name, given[name], MAX_ID) for name in resource.parents if name in given},
    )


def next_cursor(window: Window, rows: Sequence[object]) -> str | None:
    """Leads to what follows a page; None after the last one."""
    if len(rows) < window.limit:
        return None
    last = rows[-1]
    cursor = Cursor(window.sort, window.direction, getattr(last, window.sort), getattr(last, "id"))  # noqa: B009
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _order(resource: Resource[object], text: str) -> tuple[str, str]:
    sort, direction = text.removeprefix("-"), "desc" if text.startswith("-") else "asc"
    if sort not in resource.sorts:
        allowed = ", ".join(sign + name for name in resource.sorts for sign in ("", "-"))
        raise InvalidParameterError(f"sort: expected one of {allowed}, got {shown(text)}")
    assert direction in DIRECTIONS
    return sort, direction


def _after(text: str, sort: str, direction: str) -> tuple[str | int, int]:
    wrong = InvalidParameterError(f"cursor: expected the next_cursor of a page, got {shown(text)}")
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(decoded, type=Cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise wrong from error
    asked, came = _signed(sort, direction), _signed(cursor.sort, cursor.direction)
    if asked != came:
        raise InvalidParameterError(
            f"cursor: expected one of a list sorted by {asked}, got one sorted by {shown(came)}"
        )
    value_type = int if sort == "id" else str
    if not (isinstance(cursor.value, value_type) and _fits(cursor.value) and _fits(cursor.last_id)):
        raise wrong
    return cursor.value, cursor.last_id


def _signed(sort: str, direction: str) -> str:
    return f"-{sort}" if direction == "desc" else sort


def _fits(value: str | int) -> bool:
    """Whether Postgres can take the value."""
    return "\0" not in value if isinstance(value, str) else 0 <= value <= MAX_ID


def _number(name: str, text: str, largest: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= largest:
        return int(text)
    raise InvalidParameterError(f"{name}: expected a number from 1 to {largest}, got {shown(text)}")

"""What the server does alike with all its objects: lists in pages, one object, changes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from marey.connection import Connection
from marey.errors import ConnectionLostError, PreconditionFailedError, Problem
from marey.requests import Request, json_request

Item = TypeVar("Item", bound=msgspec.Struct)
Filters = Mapping[str, "int | str | None"]
_UPDATE_ATTEMPTS = 10


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """Part of a list. `next_cursor` leads on; None: there is no more."""

    items: list[Item]
    next_cursor: str | None = None


@dataclass(frozen=True)
class Kind(Generic[Item]):
    """One kind of objects."""

    name: str
    """As the server spells it: `user_group`."""
    item: type[Item]


class Objects:
    """The operations on one kind, or several. Raises marey.errors.MareyError and nothing else."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _of(self, kind: Kind[Item]) -> Collection[Item]:
        return Collection(self._connection, kind)


class Collection(Generic[Item]):
    """All objects of a kind that the key may see."""

    def __init__(self, connection: Connection, kind: Kind[Item]) -> None:
        self._connection = connection
        self._kind = kind

    async def all(self, filters: Filters, sort: str | None, page_size: int | None) -> AsyncIterator[Item]:
        """Each object; pages are asked for as they are needed."""
        asked = {**filters, "sort": sort, "limit": page_size}
        params = {name: value for name, value in asked.items() if value is not None}
        while True:
            request = Request("GET", f"/{self._kind.name}", params=params)
            page = await self._connection.send(request, Page[self._kind.item])  # type: ignore[name-defined]
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            params["cursor"] = page.next_cursor

    async def read(self, number: int) -> Item:
        """Raises NotFoundError."""
        return await self._connection.send(Request("GET", self._path(number)), self._kind.item)

    async def create(self, values: Mapping[str, object]) -> Item:
        """Raises InvalidParameterError, ConflictError, ForbiddenError."""
        request = json_request("POST", f"/{self._kind.name}", dict(values))
        return await self._connection.send(request, self._kind.item)

    async def update(self, target: Item | int, changes: Mapping[str, object | UnsetType]) -> Item:
        """Set what is not UNSET, by a PUT that names the ETag of what was there.

        Given an object: raises PreconditionFailedError if it is not any more as it was read. Given an id:
        whatever it is, and again if someone else changed it meanwhile.
        """
        for _ in range(_UPDATE_ATTEMPTS):
            try:
                return await self._replace(target, changes)
            except PreconditionFailedError as error:
                if not isinstance(target, int):
                    raise
                refusal = error
        raise refusal

    async def delete(self, number: int) -> None:
        """Raises ConflictError while something refers to it."""
        await self._connection.fetch(Request("DELETE", self._path(number)))

    async def _replace(self, target: Item | int, changes: Mapping[str, object | UnsetType]) -> Item:
        number: int = target if isinstance(target, int) else getattr(target, "id")  # noqa: B009
        content, etag = await self._connection.fetch_tagged(Request("GET", self._path(number)))
        if etag is None:
            raise ConnectionLostError(f"expected {self._kind.name} {number} to come with an ETag, got none")
        if not isinstance(target, int) and self._connection.decode(content, self._kind.item) != target:
            raise PreconditionFailedError(_changed(self._kind.name, number))
        # Fields that this version does not know stay as they are.
        values = self._connection.decode(content, dict[str, object])
        values.update((name, value) for name, value in changes.items() if value is not UNSET)
        values.pop("id", None)
        # Given an id, a PUT that arrived although its answer did not is made again on top of itself.
        request = json_request(
            "PUT", self._path(number), values, {"if-match": etag}, repeatable=isinstance(target, int)
        )
        return await self._connection.send(request, self._kind.item)

    def _path(self, number: int) -> str:
        return f"/{self._kind.name}/{number}"


def _changed(name: str, number: int) -> Problem:
    detail = f"expected {name} {number} as it was read, it has changed since"
    return Problem(status=412, code="precondition_failed", detail=detail)

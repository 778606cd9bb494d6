"""Connections, named statements, and the one place where asyncpg's errors become ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self, TypeVar

import asyncpg
import msgspec

from core.errors import ConfigurationError, StoreError
from orchestrator.store.queries import load_queries

T = TypeVar("T")
_COMMAND_TIMEOUT_S = 30.0
_CONNECT_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 10.0


@contextmanager
def store_errors() -> Iterator[None]:
    """Raise whatever the driver or the socket raises as StoreError."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StoreError(f"Postgres: {error}") from error
    except (OSError, TimeoutError) as error:
        raise StoreError(f"Postgres does not answer: {error!r}") from error


@contextmanager
def opening_errors() -> Iterator[None]:
    """As `store_errors`, but ConfigurationError for a server that answers and lets nobody of this name in."""
    try:
        with store_errors():
            yield
    except StoreError as error:
        refusal = error.__cause__
        if isinstance(refusal, _REFUSALS):
            raise ConfigurationError(f"expected a database that lets us in, got: {refusal}") from error
        raise


_REFUSALS = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
)


class Session:
    """Runs the statements of `queries.sql` by name; rows are converted to the shape asked for."""

    def __init__(self, executor: asyncpg.Pool | asyncpg.Connection) -> None:
        self._executor = executor
        self._queries = load_queries()

    async def rows(self, shape: type[T], name: str, *arguments: object) -> list[T]:
        """Every row that the statement returns."""
        with store_errors():
            records = await self._executor.fetch(self._statement(name), *arguments)
        return [msgspec.convert(dict(record), shape) for record in records]

    async def row(self, shape: type[T], name: str, *arguments: object) -> T | None:
        """The first row that the statement returns."""
        with store_errors():
            record = await self._executor.fetchrow(self._statement(name), *arguments)
        return None if record is None else msgspec.convert(dict(record), shape)

    async def execute(self, name: str, *arguments: object) -> int:
        """Number of rows that the statement inserted, changed or deleted."""
        with store_errors():
            tag = await self._executor.execute(self._queries[name], *arguments)
        return int(tag.rpartition(" ")[2])

    def _statement(self, name: str) -> str:
        """Text of a statement that returns rows."""
        return self._queries[name]


class Database(Session):
    """A pool of connections."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self._pool = pool

    @property
    def pool(self) -> asyncpg.Pool:
        """The connections."""
        return self._pool

    @classmethod
    async def open(cls, url: str, max_connections: int = 8, role: str | None = None) -> Self:
        """Connect, and work as `role` if one is given.

        Raises StoreError if Postgres does not answer, ConfigurationError if it refuses us.
        """
        with opening_errors():
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=max_connections,
                command_timeout=_COMMAND_TIMEOUT_S,
                timeout=_CONNECT_TIMEOUT_S,
                server_settings={"role": role} if role else {},
                init=_set_codecs,
                reset=_leave_as_is,
            )
        return cls(pool)

    async def close(self) -> None:
        """Close every connection once its statement has ended, or after a while anyway."""
        try:
            await asyncio.wait_for(self._pool.close(), _CLOSE_TIMEOUT_S)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Statements that take effect together or not at all."""
        with store_errors():
            async with self._pool.acquire(timeout=_COMMAND_TIMEOUT_S) as connection, connection.transaction():
                yield Session(connection)

    @asynccontextmanager
    async def listening(self, channel: str, on_hint: Callable[[], None]) -> AsyncIterator[None]:
        """Call `on_hint` for every NOTIFY on `channel` while the connection lives."""
        with store_errors():
            async with self._pool.acquire(timeout=_COMMAND_TIMEOUT_S) as connection:

                def listener(*_: object) -> None:
                    on_hint()

                await connection.add_listener(channel, listener)
                try:
                    yield
                finally:
                    await connection.remove_listener(channel, listener)


async def _leave_as_is(_: asyncpg.Connection) -> None:
    """Between uses nothing needs to be reset: no statement changes its session. Saves a round trip each."""


async def _set_codecs(connection: asyncpg.Connection) -> None:
    """`jsonb` as Python values."""
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
        schema="pg_catalog",
    )

"""NATS JetStream, the wake-up. Only this file imports nats.

A message says "task N may have work at epoch E" and nothing else: Postgres knows the rest, and a lost or
doubled message does no harm.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Self

import msgspec
import nats
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, RetentionPolicy, StorageType, StreamConfig

from core.errors import BusError
from core.jobs import TaskKind, Tier

STREAM = "MAREY"
_HINT_SUBJECT = "marey.hint"
_REQUEST_TIMEOUT_S = 5.0
_PULL_TIMEOUT_S = 2.0
_CONNECT_TIMEOUT_S = 5.0
_ACK_WAIT_S = 30.0
_DUPLICATE_WINDOW_S = 120.0
_MAX_STREAM_BYTES = 256 << 20
_MAX_MESSAGE_BYTES = 64 << 10
_logger = logging.getLogger(__name__)


class TaskMessage(msgspec.Struct, frozen=True):
    """What a message carries."""

    task_id: int
    epoch: int


NO_TASK = TaskMessage(task_id=0, epoch=0)
"""Stands for a message that cannot be read: ids start at 1, so nobody gets a lease for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a task's message goes."""

    kind: TaskKind
    tier: Tier
    project_id: int

    @property
    def subject(self) -> str:
        """`marey.frames.<tier>.<project>` for runs, else `marey.jobs.<kind>.<tier>`."""
        if self.kind is TaskKind.INFER:
            return f"marey.frames.{self.tier}.{self.project_id}"
        return f"marey.jobs.{self.kind}.{self.tier}"


def message_id(message: TaskMessage) -> str:
    """JetStream drops a second message of this id: each epoch of a task is sent once."""
    return f"{message.task_id}:{message.epoch}"


def lanes(subjects: str) -> tuple[str, ...]:
    """Durable consumers of `frames` or `jobs`, the most urgent tier first."""
    return tuple(f"{subjects}_{tier}" for tier in reversed(Tier))


class Delivery:
    """A message that was taken from a lane."""

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.task = _decode(message.data)

    async def ack(self) -> None:
        """The message has done its service; JetStream forgets it."""
        with bus_errors():
            await self._message.ack()

    async def keep(self) -> None:
        """Work goes on: JetStream waits before it delivers the message again."""
        with bus_errors():
            await self._message.in_progress()


class Bus:
    """A connection to NATS; reconnects by itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=_REQUEST_TIMEOUT_S)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Connect. Raises BusError if NATS does not answer."""
        with bus_errors():
            client = await nats.connect(
                url,
                connect_timeout=_CONNECT_TIMEOUT_S,
                max_reconnect_attempts=-1,
                reconnect_time_wait=1,
                allow_reconnect=True,
                error_cb=_log_error,
            )
        try:
            yield cls(client)
        finally:
            with bus_errors():
                await client.close()

    async def provision(self) -> bool:
        """Make the stream and its consumers if they are missing; true if the stream was made."""
        with bus_errors():
            try:
                await self._jetstream.stream_info(STREAM)
                made = False
            except nats.js.errors.NotFoundError:
                await self._jetstream.add_stream(_stream())
                made = True
            for consumer in _consumers():
                await self._jetstream.add_consumer(STREAM, consumer)
        return made

    async def publish(self, route: Route, message: TaskMessage) -> bool:
        """Store a message; false if JetStream knows its id already. Raises BusError if unknown."""
        with bus_errors():
            headers = {"Nats-Msg-Id": message_id(message)}
            ack = await self._jetstream.publish(route.subject, msgspec.json.encode(message), headers=headers)
        return not ack.duplicate

    async def hint(self) -> None:
        """Tell those who wait that there may be something to take."""
        with bus_errors():
            await self._client.publish(_HINT_SUBJECT)

    @asynccontextmanager
    async def hints(self, on_hint: Callable[[], None]) -> AsyncIterator[None]:
        """Call `on_hint` for each hint."""

        async def receive(_: Msg) -> None:
            on_hint()

        with bus_errors():
            subscription = await self._client.subscribe(_HINT_SUBJECT, cb=receive)
            try:
                yield
            finally:
                await subscription.unsubscribe()

    async def take(self, lane: str) -> Delivery | None:
        """The lane's next message, if there is one now.

        JetStream answers a `no_wait` pull at once, so that no pull is ever left behind to deliver a message
        to nobody. (`old_style`: the answer has the subject of the stored message, not that of the inbox.)
        """
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{lane}"
        with bus_errors():
            try:
                reply = await self._client.request(
                    subject, b'{"batch":1,"no_wait":true}', timeout=_PULL_TIMEOUT_S, old_style=True
                )
            except nats.errors.NoRespondersError:
                return None
        return None if reply.headers and "Status" in reply.headers else Delivery(reply)


def _decode(data: bytes) -> TaskMessage:
    try:
        return msgspec.json.decode(data, type=TaskMessage)
    except msgspec.DecodeError as error:
        _logger.warning("unreadable message: %s", error, extra={"action": "drop_message"})
        return NO_TASK


@contextmanager
def bus_errors() -> Iterator[None]:
    """Raise whatever the client or the socket raises as BusError."""
    try:
        yield
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise BusError(f"NATS: {error!r}") from error


async def _log_error(error: Exception) -> None:
    _logger.warning("NATS connection: %r", error, extra={"action": "nats_error"})


def _stream() -> StreamConfig:
    return StreamConfig(
        name=STREAM,
        subjects=["marey.frames.>", "marey.jobs.>"],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        max_bytes=_MAX_STREAM_BYTES,
        max_msg_size=_MAX_MESSAGE_BYTES,
        duplicate_window=_DUPLICATE_WINDOW_S,
    )


def _consumers() -> list[ConsumerConfig]:
    subjects: Mapping[str, str] = {"frames": "marey.frames.{}.>", "jobs": "marey.jobs.*.{}"}
    return [
        ConsumerConfig(
            durable_name=f"{lane}_{tier}",
            filter_subject=pattern.format(tier),
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=_ACK_WAIT_S,
        )
        for lane, pattern in subjects.items()
        for tier in Tier
    ]

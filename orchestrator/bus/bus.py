"""The stream, its lanes and their messages.

A message says "task N may have work at epoch E", and of how many frames; Postgres knows the rest, and a lost
or doubled message does no harm. Each lane (tier and project) has a subject and a consumer of its own, so that
whoever takes from the lanes decides whose turn it is.
"""

import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig

from orchestrator import messages
from orchestrator.bus.connection import bus_errors, connected, last_words
from orchestrator.lanes import Lane, Queue
from orchestrator.messages import TaskMessage

STREAM = "MAREY"
_HINT_SUBJECT = "marey.hint"
_REQUEST_TIMEOUT_S = 5.0
_PULL_TIMEOUT_S = 2.0
_IDLE_CONSUMER_S = 3600.0
"""JetStream forgets the consumer of a lane that nobody took from for so long."""
_DUPLICATE_WINDOW_S = 120.0
_MAX_AGE_S = 3600.0
"""A message that nobody needs goes by then; one that is needed is sent again."""
_MAX_STREAM_BYTES = 256 << 20
_MAX_MESSAGE_BYTES = 64 << 10
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusState:
    """What JetStream keeps."""

    messages: int
    """Not acknowledged: they wait, or somebody works on their tasks."""
    size_bytes: int
    oldest_s: float
    """Age of the oldest; 0 if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusSettings:
    """What JetStream keeps to."""

    replicas: int = 1
    """Servers of a cluster that keep each message."""
    ack_wait_s: float = 30.0
    """A message is delivered again after so long without a sign of life: a lease, because until then nobody
    can have taken one for it."""


ONE_SERVER = BusSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """Where JetStream keeps messages."""

    lanes: frozenset[Lane]
    newest: int
    """Sequence number of the message that was stored last."""


class Delivery:
    """A message that was taken from a lane."""

    def __init__(self, message: Msg, lane: Lane) -> None:
        self._message = message
        self.lane = lane
        self.task = messages.decode(message.data)

    async def ack(self) -> None:
        """The message has done its service; JetStream forgets it."""
        with bus_errors():
            await self._message.ack()

    async def hand_back(self, delay_s: float = 0.0) -> None:
        """Nobody has begun with it: JetStream delivers it to another after `delay_s`."""
        with bus_errors():
            await self._message.nak(delay_s)

    async def keep(self) -> None:
        """Work goes on: JetStream waits before it delivers the message again."""
        with bus_errors():
            await self._message.in_progress()


class Bus:
    """A connection to NATS; reconnects by itself."""

    def __init__(self, client: Client, settings: BusSettings) -> None:
        self._client = client
        self._settings = settings
        self._jetstream = client.jetstream(timeout=_REQUEST_TIMEOUT_S)
        self._is_silent = False
        """The last message that was to be stored got no answer."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, settings: BusSettings = ONE_SERVER) -> AsyncIterator[Self]:
        """Connect to one of the servers of `url`, which are separated by commas.

        Raises BusError if none answers, ConfigurationError if one refuses us.
        """
        client = await connected(url.split(","))
        try:
            yield cls(client, settings)
        finally:
            with last_words():
                await client.close()

    async def provision(self) -> bool:
        """Make the stream if it is missing; true if it was made, and every message with it is gone.

        The stream of an earlier version, whose subjects are others, is replaced. So is one that tells about
        itself but stores nothing: after a write that failed, as on a full disk, it never writes again. One
        with other bounds or replicas is changed and keeps its messages.
        """
        wanted = _stream(self._settings.replicas)
        with bus_errors():
            try:
                found = await self._jetstream.stream_info(STREAM)
                if found.config.subjects == wanted.subjects and not self._is_silent:
                    if _may_change(found.config) != _may_change(wanted):
                        await self._jetstream.update_stream(wanted)
                    return False
                _logger.warning("the stream is made anew", extra={"action": "replace_stream"})
                await self._jetstream.delete_stream(STREAM)
            except nats.js.errors.NotFoundError:
                pass
            await self._jetstream.add_stream(wanted)
        self._is_silent = False
        return True

    async def publish(self, lane: Lane, message: TaskMessage) -> bool:
        """Store a message; false if JetStream knows its id already. Raises BusError if unknown."""
        headers = {"Nats-Msg-Id": messages.message_id(message)}
        with bus_errors(), self._watched():
            ack = await self._jetstream.publish(lane.subject, messages.encode(message), headers=headers)
        return not ack.duplicate

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Notes whether JetStream answers to what it is to store: `provision` wants to know."""
        try:
            yield
        except TimeoutError:
            self._is_silent = True
            raise
        self._is_silent = False

    async def hint(self, lanes: Collection[Lane]) -> None:
        """Tell those who wait that there may be something to take from `lanes`."""
        with bus_errors():
            await self._client.publish(_HINT_SUBJECT, msgspec.json.encode(lanes))

    @asynccontextmanager
    async def hints(self, on_hint: Callable[[list[Lane]], None]) -> AsyncIterator[None]:
        """Call `on_hint` with the lanes of each hint."""

        async def receive(message: Msg) -> None:
            try:
                on_hint(msgspec.json.decode(message.data, type=list[Lane]))
            except msgspec.DecodeError as error:
                _logger.warning("unreadable hint: %s", error, extra={"action": "drop_hint"})

        with bus_errors():
            subscription = await self._client.subscribe(_HINT_SUBJECT, cb=receive)
        try:
            yield
        finally:
            with last_words():
                await subscription.unsubscribe()

    async def take(self, lane: Lane) -> Delivery | None:
        """The lane's next message, if there is one now. A lane without a consumer gets one."""
        with bus_errors():
            try:
                reply = await self._pull(lane)
            except nats.errors.NoRespondersError:
                if not await self._add_consumer(lane):
                    return None
                reply = await self._pull(lane)
        return None if reply.headers and "Status" in reply.headers else Delivery(reply, lane)

    async def oldest(self, lane: Lane) -> datetime | None:
        """When the oldest message of a lane was stored, also one that somebody works on."""
        with bus_errors():
            try:
                message = await self._jetstream.get_msg(STREAM, seq=1, subject=lane.subject, next=True)
            except nats.js.errors.NotFoundError:
                return None
        return message.time

    async def occupied(self) -> Occupied:
        """The lanes that have messages now."""
        with bus_errors():
            found = (await self._jetstream.stream_info(STREAM, subjects_filter=">")).state
        lanes = map(Lane.at, found.subjects or ())
        return Occupied(lanes=frozenset(lane for lane in lanes if lane is not None), newest=found.last_seq)

    async def clear(self, lane: Lane, newest: int) -> None:
        """Drop the messages of a lane, up to the sequence number `newest`."""
        with bus_errors():
            await self._jetstream.purge_stream(STREAM, seq=newest + 1, subject=lane.subject)

    async def state(self) -> BusState:
        """What the stream keeps."""
        with bus_errors():
            try:
                found = (await self._jetstream.stream_info(STREAM)).state
            except nats.js.errors.NotFoundError:
                return BusState(messages=0, size_bytes=0, oldest_s=0.0)
            try:
                oldest = (await self._jetstream.get_msg(STREAM, found.first_seq)).time
            except nats.js.errors.NotFoundError:
                oldest = None
        oldest_s = (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
        return BusState(messages=found.messages, size_bytes=found.bytes, oldest_s=oldest_s)

    async def _pull(self, lane: Lane) -> Msg:
        """JetStream answers a `no_wait` pull at once: none is left behind to deliver to nobody.

        (`old_style`: the answer has the subject of the stored message, not that of the inbox.)
        """
        return await self._client.request(
            f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{lane.consumer}",
            b'{"batch":1,"no_wait":true}',
            timeout=_PULL_TIMEOUT_S,
            old_style=True,
        )

    async def _add_consumer(self, lane: Lane) -> bool:
        """False if there is no stream."""
        try:
            await self._jetstream.add_consumer(STREAM, _consumer(lane, self._settings.ack_wait_s))
        except nats.js.errors.NotFoundError:
            return False
        return True


def _may_change(stream: StreamConfig) -> tuple[object, ...]:
    return stream.num_replicas, stream.discard, stream.max_bytes, stream.max_age


def _stream(replicas: int) -> StreamConfig:
    """A full one refuses messages: their tasks stay ready."""
    return StreamConfig(
        name=STREAM,
        subjects=[f"marey.{queue}.*.*" for queue in Queue],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        num_replicas=replicas,
        discard=DiscardPolicy.NEW,
        max_age=_MAX_AGE_S,
        max_bytes=_MAX_STREAM_BYTES,
        max_msg_size=_MAX_MESSAGE_BYTES,
        duplicate_window=_DUPLICATE_WINDOW_S,
    )


def _consumer(lane: Lane, ack_wait_s: float) -> ConsumerConfig:
    return ConsumerConfig(
        durable_name=lane.consumer,
        filter_subject=lane.subject,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ack_wait_s,
        inactive_threshold=_IDLE_CONSUMER_S,
    )

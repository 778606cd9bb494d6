"""Ways between two processes that can be cut, silenced, or made to lose an answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
_BLOCK_BYTES = 1 << 16

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Streams]]


@dataclass
class Link:
    """Passes bytes on between those who connect here and a service. Any thread may call its methods."""

    connect: Connect
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _is_cut: bool = False
    _replies_until_loss: int | None = None
    _loses_what_holds: bytes = b""
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Connections break, new ones are refused."""
        self.loop.call_soon_threadsafe(self._cut)

    def silence(self) -> None:
        """Nothing comes through; connections stay."""
        self.loop.call_soon_threadsafe(self._open.clear)

    def heal(self) -> None:
        """As at first; what was held back is delivered."""
        self.loop.call_soon_threadsafe(self._heal)

    def lose_reply(self, number: int, holding: bytes = b"") -> None:
        """The service does what it is asked, but its answer `number` from now, of those that hold some bytes,
        is lost with the connection."""
        self._loses_what_holds = holding
        self.loop.call_soon_threadsafe(setattr, self, "_replies_until_loss", number)

    @property
    def has_lost_reply(self) -> bool:
        """Whether the answer that was to be lost has been."""
        return self._replies_until_loss is None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self._ends.add(writer)
        try:
            if not self._is_cut:
                await self._pass_on(reader, writer)
        except OSError:
            return
        finally:
            self._ends.discard(writer)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        service_reader, service_writer = await self.connect()
        self._ends.add(service_writer)
        pumps = [
            asyncio.create_task(self._pump(reader, service_writer, is_reply=False)),
            asyncio.create_task(self._pump(service_reader, writer, is_reply=True)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ends.discard(service_writer)
            service_writer.close()
            writer.close()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_reply: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(_BLOCK_BYTES):
                await self._open.wait()
                if is_reply and self._loses(data):
                    return
                target.write(data)
                await target.drain()

    def _loses(self, reply: bytes) -> bool:
        if self._replies_until_loss is None or self._loses_what_holds not in reply:
            return False
        self._replies_until_loss -= 1
        if self._replies_until_loss > 0:
            return False
        self._replies_until_loss = None
        return True

    def _cut(self) -> None:
        self._is_cut = True
        for end in self._ends:
            end.transport.abort()

    def _heal(self) -> None:
        self._replies_until_loss = None
        self._is_cut = False
        self._open.set()


async def tcp_link(port: int) -> tuple[Link, int, asyncio.Server]:
    """A link to a port of this machine, and the port where it listens."""
    link = Link(lambda: asyncio.open_connection(HOST, port))
    server = await asyncio.start_server(link.serve, HOST, 0)
    return link, int(server.sockets[0].getsockname()[1]), server


async def socket_link(socket: Path, listen_at: Path) -> tuple[Link, asyncio.Server]:
    """A link to a Unix socket, that listens at another one."""
    link = Link(lambda: asyncio.open_unix_connection(socket))
    listen_at.parent.mkdir(parents=True)
    return link, await asyncio.start_unix_server(link.serve, listen_at)

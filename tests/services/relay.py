"""Carries connections: `relay LISTEN TARGET`, each `tcp:HOST:PORT` or `unix:PATH`.

Sockets in the file system are reachable from every network namespace; that is how a test reaches into one.
"""

import asyncio
import contextlib
import sys


async def serve(listen: str, target: str) -> None:
    """Until it is killed."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            far_reader, far_writer = await _connected(target)
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    kind, _, place = listen.partition(":")
    if kind == "unix":
        server = await asyncio.start_unix_server(carry, place)
    else:
        host, _, port = place.rpartition(":")
        server = await asyncio.start_server(carry, host, int(port))
    await server.serve_forever()


async def _connected(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    kind, _, place = target.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(place)
    host, _, port = place.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry until the end or the first error; then both ways end."""
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))

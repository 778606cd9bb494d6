"""`marey up`: a stack in the foreground until a signal or a service that cannot be kept alive."""

import asyncio
import signal
from collections.abc import Coroutine

from rich.console import Console

from deploy.embedded.options import StackOptions
from deploy.embedded.stack import embedded_stack
from deploy.embedded.status import EventPrinter, status_table

_PLAIN_WIDTH = 200


def run_in_foreground(options: StackOptions) -> None:
    """Run a stack until SIGINT or SIGTERM. Raises the errors of `embedded_stack`."""
    asyncio.run(until_signalled(_serve(options, output_console())))


def output_console() -> Console:
    """Standard output; a file or a pipe gets lines that are not folded to some terminal's width."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


async def until_signalled(work: Coroutine[None, None, None]) -> None:
    """Await `work`; SIGINT and SIGTERM cancel it, once, and count as a normal end."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()

    def cancel_once() -> None:
        if not signalled.is_set():
            signalled.set()
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, cancel_once)
    try:
        await task
    except asyncio.CancelledError:
        if not signalled.is_set():
            raise


async def _serve(options: StackOptions, console: Console) -> None:
    async with embedded_stack(options, EventPrinter(console)) as stack:
        console.print(await asyncio.to_thread(status_table, stack.layout))
        console.print("Submit videos with `marey submit FILES... --wait`. Stop with Ctrl-C.")
        await stack.watch()

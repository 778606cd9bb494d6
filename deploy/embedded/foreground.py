"""`marey up`: a stack in the foreground until a signal or a service that cannot be kept alive."""

import asyncio
import contextlib
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


class OutputConsole(Console):
    """Standard output. When its reader is gone, what is shown ends, not what is done."""

    def on_broken_pipe(self) -> None:
        """Show nothing more; rich's own answer also ends the process, wherever it is."""
        with contextlib.suppress(SystemExit):
            super().on_broken_pipe()


def output_console() -> OutputConsole:
    """Standard output; a file or a pipe gets lines that are not folded to some terminal's width."""
    console = OutputConsole()
    return console if console.is_terminal else OutputConsole(width=_PLAIN_WIDTH)


async def until_signalled(work: Coroutine[None, None, None]) -> None:
    """Await `work`; SIGINT, SIGTERM and a closed terminal (unless under nohup) cancel it, once, and count as
    a normal end."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    signalled = asyncio.Event()

    def cancel_once() -> None:
        if not signalled.is_set():
            signalled.set()
            task.cancel()

    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        ending.append(signal.SIGHUP)
    for number in ending:
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

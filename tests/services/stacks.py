"""Helpers: `marey` as a process of its own, with a stack in a home of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from marey import Client

from tests.services.waiting import until

MAREY = str(Path(sysconfig.get_path("scripts"), "marey"))
START_TIMEOUT_S = 150.0
STOP_TIMEOUT_S = 60.0


class Program:
    """A `marey` command under way; its output goes to a file."""

    def __init__(self, arguments: list[str], folder: Path, home: Path) -> None:
        self.home = home
        self._output = folder / f"output-{time.monotonic_ns()}.txt"
        # MAREY_HOME marks everything that this program starts, see `processes_of`.
        environment = {**os.environ, "MAREY_HOME": str(home), "TMPDIR": str(folder)}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [MAREY, *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # As in a terminal: a shell makes what it starts in the background deaf to Ctrl-C.
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return self._output.read_text()

    def until_says(self, text: str, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until its output contains `text`; fails if it ends first."""
        until(lambda: text in self.output or self.process.poll() is not None, timeout_s, self)
        assert text in self.output, self.output

    def ended(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(timeout_s)

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def __str__(self) -> str:
        return self.output


@contextlib.contextmanager
def marey(arguments: list[str], folder: Path, home: Path) -> Iterator[Program]:
    """Run a `marey` command; at the end of the block it is killed if it still runs."""
    program = Program(arguments, folder, home)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.wait(10)
        until(lambda: processes_of(home) == {}, STOP_TIMEOUT_S, program)


def api_url(home: Path) -> str:
    """Where the stack in `home` answers."""
    return str(json.loads((home / "stack.json").read_text())["api_url"])


def client(home: Path) -> Client:
    """A client of the stack in `home`, with the key that it keeps there."""
    return Client(api_url(home), (home / "api-key").read_text())


def processes_of(home: Path) -> dict[int, str]:
    """Command lines, by process id, of what runs in `home` or was told of it."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            known = os.fsencode(home) in command + (folder / "environ").read_bytes()
            if command and (known or (folder / "cwd").resolve().is_relative_to(home)):
                found[int(folder.name)] = command.replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def pid_of(home: Path, text: str) -> int:
    """The process of `home` whose command line has `text`."""
    return next(pid for pid, command in processes_of(home).items() if text in command)

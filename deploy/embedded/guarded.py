"""The supervisor's end of a guard: one running service process."""

import asyncio
import json
import os
import re
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Self

from deploy.embedded import guard
from deploy.embedded.process import ServiceCommand
from deploy.embedded.processes import descendants

_LOG_MAX_BYTES = 8 << 20
_GUARD_PATIENCE_S = 5.0
"""What a guard may take beyond its service's own stop timeout."""
_TAIL_LINES, _ERROR_LINES, _LINE_CHARACTERS = 15, 5, 300
_ERROR_LINE = re.compile(r"^E\d{4} |\b(error|fatal|panic)\b", re.IGNORECASE)
"""`E1123` begins an error of Triton's log."""


class GuardedProcess:
    """A service process under its guard; `wait` returns its exit status."""

    def __init__(self, process: asyncio.subprocess.Process, command: ServiceCommand) -> None:
        self._process = process
        self._command = command

    @classmethod
    async def start(cls, command: ServiceCommand, log: Path, lock_fd: int) -> Self:
        """Start `command`, its output going to `log`. The guard keeps `lock_fd` open as long as it lives."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock_fd,),
        )
        assert process.stdin is not None
        process.stdin.write(_order(command, log).encode() + b"\n")
        return cls(process, command)

    @property
    def has_ended(self) -> bool:
        """Whether the end was seen."""
        return self._process.returncode is not None

    @property
    def pid(self) -> int:
        """Process id of the guard; the service is its child."""
        return self._process.pid

    async def wait(self) -> int:
        """Wait for the end of the service and of everything it started."""
        status = await self._process.wait()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return status
        return status

    async def stop(self) -> int:
        """Ask the service to stop, kill it if it does not, and return its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            return await asyncio.wait_for(self.wait(), self._command.stop_timeout_s + _GUARD_PATIENCE_S)
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """Kill the service, all that it has started and its guard, and return the guard's exit status.

        Processes with a session of their own, such as those of PostgreSQL's connections, would outlive the
        guard, and one that is stopped does not notice that its parent is gone.
        """
        for pid in descendants(self._process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return await self.wait()


def log_tail(log: Path) -> str:
    """The end of a service's log, and before it the last lines that tell of errors, indented."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    earlier = [line for line in lines[:-_TAIL_LINES] if _ERROR_LINE.search(line)][-_ERROR_LINES:]
    shown = [f"    {line[:_LINE_CHARACTERS].rstrip()}" for line in [*earlier, *lines[-_TAIL_LINES:]]]
    return "\n".join(shown) or "    (it wrote no log)"


def _order(command: ServiceCommand, log: Path) -> str:
    """The guard's order, see `guard.Order`."""
    order = guard.Order(
        argv=list(command.argv),
        env=dict(command.env),
        cwd=None if command.cwd is None else str(command.cwd),
        user=command.user,
        stop_signal=int(command.stop_signal),
        stop_timeout_s=command.stop_timeout_s,
        log=str(log),
        log_max_bytes=_LOG_MAX_BYTES,
    )
    return json.dumps(asdict(order))

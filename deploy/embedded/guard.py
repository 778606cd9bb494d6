"""Runs one service for the supervisor, bounds its log, and takes it down with everything it started.

A script of its own, run by `python -I -S guard.py`: it must outlive the supervisor and stay small.
The first line of its standard input is the order, as JSON (see `Order`). The input then stays open:
its end means that the supervisor wants the service stopped, or is gone, even by SIGKILL.
Exits as the service did: its code, or 128 + the number of the signal that ended it.
"""

import ctypes
import json
import os
import pwd
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CANNOT_START = 127
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Order:
    """What to run. Mirrors ServiceCommand, whose package a guard cannot import."""

    argv: list[str]
    env: dict[str, str]
    cwd: str | None
    user: str | None
    stop_signal: int
    stop_timeout_s: float
    log: str
    log_max_bytes: int


class BoundedLog:
    """A log of at most two files, `path` and `path`.1, of `max_bytes` each."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._file = path.open("ab", buffering=0)

    def write(self, text: bytes) -> None:
        """Append `text`, and start a new file if the current one is full."""
        if self._file.tell() + len(text) > self._max_bytes:
            self._file.close()
            self._path.replace(self._path.with_name(self._path.name + ".1"))
            self._file = self._path.open("ab", buffering=0)
        self._file.write(text)


class Guard:
    """One service from its start to its end."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._log = BoundedLog(Path(order.log), order.log_max_bytes)
        self._kill_at: float | None = None
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Start the service, serve it until it ends, and return the exit status for the guard."""
        wakeup = self._wake_on_signals()
        try:
            child = _start(self._order)
        except OSError as error:
            self._log.write(f"cannot start {self._order.argv[0]}: {error}\n".encode())
            return _CANNOT_START
        assert child.stdout is not None
        output = child.stdout.fileno()
        self._selector.register(output, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        while child.poll() is None:
            self._step(child, output, wakeup)
        _kill_descendants()
        self._drain(output)
        return child.returncode if child.returncode >= 0 else 128 - child.returncode

    def _wake_on_signals(self) -> int:
        """Make signals readable at the returned descriptor."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)
        self._selector.register(reader, selectors.EVENT_READ)
        return reader

    def _step(self, child: subprocess.Popen[bytes], output: int, wakeup: int) -> None:
        """Wait for one thing to happen and act on it."""
        patience_s = None if self._kill_at is None else max(0.0, self._kill_at - time.monotonic())
        for key, _ in self._selector.select(patience_s):
            text = os.read(key.fd, 65536)
            if key.fd == output and text:
                self._log.write(text)
            elif key.fd == wakeup:
                if set(text) - {signal.SIGCHLD}:
                    self._ask_to_stop(child)
                _reap_orphans(child.pid)
            elif not text:
                self._selector.unregister(key.fd)
                if key.fd != output:
                    self._ask_to_stop(child)
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            child.kill()

    def _ask_to_stop(self, child: subprocess.Popen[bytes]) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + self._order.stop_timeout_s
            child.send_signal(self._order.stop_signal)

    def _drain(self, output: int) -> None:
        os.set_blocking(output, False)
        try:
            while text := os.read(output, 65536):
                self._log.write(text)
        except BlockingIOError:
            return


def _start(order: Order) -> subprocess.Popen[bytes]:
    guard = os.getpid()

    def die_with_the_guard() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(_CANNOT_START)

    return subprocess.Popen(
        order.argv,
        env={**os.environ, **order.env},
        cwd=order.cwd,
        user=order.user,
        group=None if order.user is None else pwd.getpwnam(order.user).pw_gid,
        extra_groups=None if order.user is None else (),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=die_with_the_guard,
    )


def _reap_orphans(service_pid: int) -> None:
    """Collect ended processes that this subreaper has inherited; the service's own end is left to Popen."""
    look_only = os.WEXITED | os.WNOHANG | os.WNOWAIT
    while (ended := os.waitid(os.P_ALL, 0, look_only)) and ended.si_pid != service_pid:
        os.waitpid(ended.si_pid, 0)


def _kill_descendants() -> None:
    """Kill what the service left behind: as the subreaper, this process has inherited it."""
    while orphans := _children():
        for pid in orphans:
            os.kill(pid, signal.SIGKILL)
        for pid in orphans:
            os.waitpid(pid, 0)


def _children() -> list[int]:
    """Process ids of the children of this process, from /proc (proc_pid_stat(5))."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[1]) == os.getpid():
            found.append(int(status.parent.name))
    return found


def main() -> int:
    """Read the order and carry it out."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    line = sys.stdin.buffer.readline()
    return Guard(Order(**json.loads(line))).run() if line else 0


if __name__ == "__main__":
    sys.exit(main())

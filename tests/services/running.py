"""Start a service for a test session and stop it at its end."""

import os
import pwd
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.process import ServiceCommand


@contextmanager
def running(
    command: ServiceCommand, log: Path, is_ready: Callable[[], bool], timeout_s: float = 30.0
) -> Iterator[subprocess.Popen[bytes]]:
    """The process of `command`, once `is_ready` says so; stopped by its own signal."""
    group = pwd.getpwnam(command.user).pw_gid if command.user else None
    with log.open("wb") as output:
        process = subprocess.Popen(
            command.argv,
            env={**os.environ, **command.env},
            cwd=command.cwd,
            user=command.user,
            group=group,
            extra_groups=None if group is None else (),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, is_ready, log, timeout_s)
        yield process
    finally:
        process.send_signal(command.stop_signal)
        process.wait(command.stop_timeout_s)


def _wait(
    process: subprocess.Popen[bytes], is_ready: Callable[[], bool], log: Path, timeout_s: float
) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not become ready: {log.read_text()[-2000:]}")
        time.sleep(0.02)


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody used a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something accepts connections at `port`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False

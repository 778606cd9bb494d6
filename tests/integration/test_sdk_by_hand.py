"""The command line at a real terminal and in a real shell, as a person uses it."""

import json
import os
import pty
import select
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.api import RunningApi

DEADLINE_S = 20.0
SCRIPTS = sysconfig.get_path("scripts")
_ON_TERMINAL = (
    "import os, sys; os.setsid(); os.open(os.ttyname(0), os.O_RDWR); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Its own session, of which standard input is the terminal."""


class Terminal:
    """What a person sees and types."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.screen = ""

    def wait_for(self, text: str) -> None:
        """Until the text is on the screen, or everything is."""
        deadline_s = time.monotonic() + DEADLINE_S
        while text not in self.screen:
            ready, _, _ = select.select([self._descriptor], [], [], max(0.0, deadline_s - time.monotonic()))
            assert ready, f"expected {text!r}, got {self.screen!r}"
            self.screen += os.read(self._descriptor, 4096).decode()

    def type(self, line: str) -> None:
        """A line, as the Return key ends it."""
        os.write(self._descriptor, f"{line}\r".encode())


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A person's, with nothing configured."""
    path = os.pathsep.join((SCRIPTS, os.environ["PATH"]))
    return {"PATH": path, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "TERM": "xterm"}


@contextmanager
def at_terminal(environ: dict[str, str], *words: str) -> Iterator[Terminal]:
    """A command that runs at a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", _ON_TERMINAL, *words]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ)
    os.close(theirs)
    try:
        yield Terminal(ours)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        os.close(ours)


def marey(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """A command that runs in a script."""
    return subprocess.run(
        ["marey", *words], env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )


def test_a_person_configures_and_goes_on(api: RunningApi, environ: dict[str, str], tmp_path: Path) -> None:
    with at_terminal(environ, "marey", "configure", "--profile", "lab") as terminal:
        terminal.wait_for("Endpoint [http://127.0.0.1:8080]: ")
        terminal.type(api.url)
        terminal.wait_for("API key: ")
        terminal.type(api.api_key)
        terminal.wait_for("profiles.json")
    assert api.api_key not in terminal.screen
    assert "Warning" not in terminal.screen
    (file,) = tmp_path.rglob("profiles.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    users = marey(environ, "list-users", "--profile", "lab", "--json")
    assert users.returncode == 0, users.stderr
    assert [user["id"] for user in json.loads(users.stdout)] == [1]
    assert marey(environ, "get-user", "7", "--profile", "lab").returncode == 5
    assert marey(environ, "list-users").returncode == 3
    with at_terminal(environ, "marey", "configure", "--profile", "lab") as terminal:
        terminal.wait_for(f"Endpoint [{api.url}]: ")
        terminal.type("")
        terminal.wait_for("API key: ")
        terminal.type("mry_wrong")
        terminal.wait_for("Warning")
    assert marey(environ, "list-users", "--profile", "lab").returncode == 4


def test_configure_tells_scripts_what_it_kept(api: RunningApi, environ: dict[str, str]) -> None:
    words = ("configure", "--endpoint-url", api.url, "--json")
    said = json.loads(marey({**environ, "MAREY_API_KEY": api.api_key}, *words).stdout)
    assert (said["profile"], said["endpoint_url"]) == ("default", api.url)
    assert Path(said["path"]).is_file()
    assert api.api_key not in str(said)


def test_bash_completes(environ: dict[str, str]) -> None:
    script = (
        'eval "$(_MAREY_COMPLETE=bash_source marey)"; COMP_WORDS=(marey list-user); COMP_CWORD=1;'
        ' _marey_completion marey; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], env=environ, capture_output=True, text=True, timeout=DEADLINE_S, check=True
    )
    assert done.stdout.split() == ["list-users", "list-user-groups"]

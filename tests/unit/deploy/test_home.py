"""MAREY_HOME and its ports."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.errors import DirectoryTakenError, PortTakenError
from deploy.embedded.home import Home
from deploy.embedded.ports import CANDIDATES, HOST, choose_ports, is_free


def test_a_home_has_one_stack_at_a_time(tmp_path: Path) -> None:
    taken = pytest.raises(DirectoryTakenError, match=f"in use by another stack \\(process {os.getpid()}\\)")
    with Home(tmp_path).locked(), taken, Home(tmp_path).locked():
        pytest.fail("two stacks have the same home")
    with Home(tmp_path).locked():
        assert Home(tmp_path).logs.is_dir()


def test_a_home_waits_for_what_a_killed_stack_left(tmp_path: Path) -> None:
    with Home(tmp_path).locked() as lock:
        heir = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"], pass_fds=[lock])
        os.pwrite(lock, b"999999999", 0)
    started_s = time.monotonic()
    with Home(tmp_path).locked():
        assert time.monotonic() - started_s < 10
    assert heir.wait(10) == 0


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    refused = pytest.raises(DirectoryTakenError, match=f"folder that can be written at {occupied}")
    with refused, Home(occupied).locked():
        pytest.fail("a file is no home")


def test_the_stack_file_is_published(tmp_path: Path) -> None:
    Home(tmp_path).write_stack({"api_url": "http://127.0.0.1:1"})
    assert json.loads((tmp_path / "stack.json").read_text()) == {"api_url": "http://127.0.0.1:1"}


def test_ports_are_free_distinct_and_kept(tmp_path: Path) -> None:
    first = choose_ports(["nats", "api"], tmp_path / "ports.json", {})
    assert len(set(first.values())) == 2
    assert all(is_free(port) for port in first.values())
    assert choose_ports(["nats", "api"], tmp_path / "ports.json", {}) == first


def test_ports_are_among_the_candidates(tmp_path: Path) -> None:
    half = CANDIDATES[1::2]
    assert set(choose_ports(["nats", "api"], tmp_path / "ports.json", {}, half).values()) <= set(half)


def test_a_kept_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    first = choose_ports(["api"], tmp_path / "ports.json", {})
    with socket.create_server((HOST, first["api"])):
        assert choose_ports(["api"], tmp_path / "ports.json", {}) != first


def test_a_fixed_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"expected port {port} to be free for api"):
            choose_ports(["api"], tmp_path / "ports.json", {"api": port})


@pytest.mark.parametrize("damage", ["", "[1]", '{"api": "x"}'])
def test_a_damaged_ports_file_is_replaced(tmp_path: Path, damage: str) -> None:
    kept = tmp_path / "ports.json"
    kept.write_text(damage)
    assert json.loads(kept.read_text() or "null") != choose_ports(["api"], kept, {})

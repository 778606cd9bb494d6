"""Compilers whose libraries would end the process that opens a compiled network."""

import re
from pathlib import Path

import pytest

from deploy.embedded.cxx import compiler, compiler_problem


def wrapper(folder: Path, command: str) -> str:
    """A compiler of one line."""
    file = folder / "wrapped-g++"
    file.write_text(f"#!/bin/sh\n{command}\n")
    file.chmod(0o755)
    return str(file)


def test_pytorch_takes_cxx_else_gcc() -> None:
    assert compiler({}) == "g++"
    assert compiler({"CXX": "/opt/gcc/bin/g++"}) == "/opt/gcc/bin/g++"


def test_a_compiler_that_links_the_shared_library() -> None:
    assert compiler_problem("g++") == ""


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (
            'exec g++ -static-libstdc++ "$@"',
            "a copy of it inside, which crash beside PyTorch: set CXX to another",
        ),
        ("exit 3", "makes no library that can be opened: .*status 3"),
        ("exit 0", "makes no library that can be opened: .*trial.so"),
    ],
)
def test_a_compiler_that_does_not_serve_is_named(tmp_path: Path, command: str, problem: str) -> None:
    name = wrapper(tmp_path, command)
    said = compiler_problem(name)
    assert name in said
    assert re.search(problem, said)


def test_a_compiler_that_is_not_there(tmp_path: Path) -> None:
    assert "install g++" in compiler_problem(str(tmp_path / "g++"))

"""Asking in a process of its own: what is imported there may be large or broken, or may crash."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the process printed, or why there is no answer."""

    text: str = ""
    problem: str = ""


def ask(module: str, timeout_s: float) -> Answer:
    """Run `python -m module`."""
    # -P: a file in the current folder is not taken for a module of the same name.
    return ask_command([sys.executable, "-P", "-m", module], timeout_s)


def ask_command(command: Sequence[str], timeout_s: float) -> Answer:
    """Run a command."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Answer(problem=f"no answer in {timeout_s:.0f} s")
    return read_answer(result.returncode, result.stdout, result.stderr)


def read_answer(status: int, output: str, errors: str) -> Answer:
    """The last line of what the process said: libraries may print warnings before it."""
    lines = (output if status == 0 else errors).strip().splitlines()
    if not lines:
        return Answer(problem=f"the process ended with status {status} and said nothing")
    return Answer(text=lines[-1]) if status == 0 else Answer(problem=lines[-1])

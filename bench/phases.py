"""Phases of a bench, each in a process of its own: what it printed counts, also where it died afterwards."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn


def say(figures: Mapping[str, object]) -> None:
    """Print what is measured so far: at once, before anything is destroyed or goes wrong."""
    print(json.dumps(figures), flush=True)


def say_and_end(figures: Mapping[str, object]) -> NoReturn:
    """`say`, and the process is over. The driver takes a GPU's memory, graphs and kernels down with it: their
    destruction one by one is no part of what is measured, and Triton's processes do not see it either."""
    say(figures)
    os._exit(0)


def run_phase(command: Sequence[str], log: Path, timeout_s: float) -> dict[str, object]:
    """The last figures that a process said; beside them `error`, where it failed or met its limit."""
    error = ""
    with log.open("w") as output:
        try:
            subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, timeout=timeout_s, check=True)
        except subprocess.SubprocessError as caught:
            error = str(caught)
    text = log.read_text()
    figures = _last_figures(text)
    if error or not figures:
        figures["error"] = f"{error or 'expected a line of figures'}: {text[-1500:]}"
    return figures


def _last_figures(log: str) -> dict[str, object]:
    for line in reversed(log.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}

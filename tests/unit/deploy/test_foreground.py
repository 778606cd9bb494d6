"""A command in the foreground whose reader or terminal goes away."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest

_PRINT_AND_GO_ON = """
import sys
from deploy.embedded.foreground import output_console
console = output_console()
for line in range(3):
    console.print(f"line {line}")
sys.stderr.write("went on")
"""


@pytest.mark.parametrize("read", [True, False])
def test_a_reader_that_is_gone_ends_what_is_shown_not_what_is_done(read: bool) -> None:
    reader, writer = os.pipe()
    try:
        if not read:
            os.close(reader)
        ended = subprocess.run(
            [sys.executable, "-c", _PRINT_AND_GO_ON],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=50,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, "went on")
        if read:
            assert os.read(reader, 100) == b"line 0\nline 1\nline 2\n"
    finally:
        os.close(writer)
        if read:
            os.close(reader)


_LOSE_THE_TERMINAL = """
import asyncio, os, signal
from deploy.embedded.foreground import until_signalled

async def work():
    os.kill(os.getpid(), signal.SIGHUP)
    await asyncio.sleep(0.2)
    print("outlived it")

asyncio.run(until_signalled(work()))
"""


@pytest.mark.parametrize(("nohup", "output"), [(True, "outlived it\n"), (False, "")])
def test_a_closed_terminal_ends_the_work_unless_under_nohup(nohup: bool, output: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _LOSE_THE_TERMINAL],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_IGN if nohup else signal.SIG_DFL),
    )
    assert ended.stdout == output

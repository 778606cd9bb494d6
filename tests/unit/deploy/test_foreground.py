"""What is shown to somebody who no longer looks."""

import os
import subprocess
import sys

import pytest

_PRINT_AND_GO_ON = """
import sys
from deploy.embedded.foreground import output_console
console = output_console()
for line in range(3):
    console.print(f"line {line}")
sys.stderr.write("went on")
"""


def _run(script: str, stdout: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize("read", [True, False])
def test_a_reader_that_is_gone_ends_what_is_shown_not_what_is_done(read: bool) -> None:
    reader, writer = os.pipe()
    try:
        if not read:
            os.close(reader)
        ended = _run(_PRINT_AND_GO_ON, writer)
        assert (ended.returncode, ended.stderr) == (0, "went on")
        if read:
            assert os.read(reader, 100) == b"line 0\nline 1\nline 2\n"
    finally:
        os.close(writer)
        if read:
            os.close(reader)

"""The process of a model that was stopped does not answer any more."""

import signal
import subprocess
import sys
import time

from model_repository.contract import CHECKOUT
from model_repository.glue.pulse import EXIT_STATUS, STANDSTILL_S

ANSWERS = """
import sys
import time
from model_repository.glue.pulse import Pulse
pulse = Pulse()
with pulse:
    sum(range(200_000_000))
while True:
    with pulse:
        time.sleep(0.02)
    print("answer", flush=True)
"""


def test_a_process_that_stood_still_ends() -> None:
    """And not one that computes for long with Python's lock in its hand."""
    command = (sys.executable, "-c", ANSWERS)
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"answer\n"
        time.sleep(2 * STANDSTILL_S)
        assert process.poll() is None, "it lives as long as it is let"
        process.send_signal(signal.SIGSTOP)
        time.sleep(STANDSTILL_S + 0.3)
        process.send_signal(signal.SIGCONT)
        assert process.wait(10) == EXIT_STATUS

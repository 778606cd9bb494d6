"""The process of a model that was stopped, or hangs, does not answer any more, and shows when it lives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from model_repository.contract import CHECKOUT
from model_repository.glue.pulse import ANSWER_LIMIT_S, EXIT_STATUS, PULSES_VARIABLE, STANDSTILL_S
from orchestrator.triton import REQUEST_TIMEOUT_S

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


def test_a_process_that_stood_still_ends_and_says_so() -> None:
    """And not one that computes for long with Python's lock in its hand."""
    command = (sys.executable, "-c", ANSWERS)
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"answer\n"
        time.sleep(2 * STANDSTILL_S)
        assert process.poll() is None, "it lives as long as it is let"
        process.send_signal(signal.SIGSTOP)
        time.sleep(STANDSTILL_S + 0.3)
        process.send_signal(signal.SIGCONT)
        assert process.wait(10) == EXIT_STATUS
        assert f"a model's process ({process.pid}) stood still for" in process.stderr.read().decode()


HANGS = """
import threading
from model_repository.glue.pulse import Pulse
pulse = Pulse(answer_limit_s=0.5)
with pulse:
    threading.Event().wait()
"""


def test_a_process_that_hangs_in_an_answer_ends_and_says_where() -> None:
    command = (sys.executable, "-c", HANGS)
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == EXIT_STATUS
    assert "made an answer for more than 0.5 s" in ended.stderr
    assert 'File "<string>", line 6 in <module>' in ended.stderr


def test_no_answer_is_broken_off_that_somebody_waits_for() -> None:
    assert ANSWER_LIMIT_S >= REQUEST_TIMEOUT_S


def test_a_process_touches_its_file_at_every_beat(tmp_path: Path) -> None:
    environment = {**os.environ, PULSES_VARIABLE: str(tmp_path)}
    with subprocess.Popen(
        (sys.executable, "-c", ANSWERS), cwd=CHECKOUT, stdout=subprocess.PIPE, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            file = tmp_path / str(process.pid)
            beats = set[int]()
            deadline_s = time.monotonic() + 20
            while len(beats) < 3:
                assert time.monotonic() < deadline_s
                beats.add(file.stat().st_mtime_ns)
                process.stdout.readline()
        finally:
            process.kill()
